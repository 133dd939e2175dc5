//! A choice among kinds, as it stands in an experiment file.

use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// A table with a `kind` and its settings, or the name of the kind alone, with the default of every setting.
#[derive(Clone, Debug)]
pub(super) struct Kind<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Kind<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Choice<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Choice<T> {
            type Value = Kind<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("the name of a kind or a table with a `kind`")
            }

            fn visit_str<E: serde::de::Error>(self, kind: &str) -> Result<Kind<T>, E> {
                let table = std::iter::once(("kind", kind));
                T::deserialize(MapDeserializer::new(table)).map(Kind)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Kind<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Kind)
            }
        }
        input.deserialize_any(Choice(PhantomData))
    }
}
