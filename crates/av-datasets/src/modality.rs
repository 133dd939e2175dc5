//! The modalities of a clip, and one value for each of them.

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// A way in which a clip shows an emotion.
///
/// A further one is a variant, its place in [`ALL`](Self::ALL), its [`name`](Self::name) and its
/// [`medium`](Self::medium): whatever holds one value per modality is a [`Modalities`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Modality {
    /// Sound.
    Audio,
    /// Picture.
    Video,
}

impl Modality {
    /// All, in the order of every table.
    pub const ALL: [Self; 2] = [Self::Audio, Self::Video];

    /// Name in files and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }

    /// What a clip has of it, as people say.
    pub const fn medium(self) -> &'static str {
        match self {
            Self::Audio => "sound",
            Self::Video => "picture",
        }
    }

    /// The modality of that [`name`](Self::name).
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|modality| modality.name() == name)
    }
}

impl fmt::Display for Modality {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(self.name())
    }
}

const COUNT: usize = Modality::ALL.len();

/// The names of all modalities, for messages.
const NAMES: [&str; COUNT] = {
    let mut names = [""; COUNT];
    let mut index = 0;
    while index < COUNT {
        names[index] = Modality::ALL[index].name();
        index += 1;
    }
    names
};

impl Serialize for Modality {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        output.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Modality {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<str>::deserialize(input)?;
        Self::named(&name).ok_or_else(|| D::Error::unknown_variant(&name, &NAMES))
    }
}

/// One value for each [`Modality`].
///
/// In files it is a table with the modalities' names as keys; one that is left out has the default value.
///
/// ```
/// use av_datasets::{Modalities, Modality};
/// let words = Modalities::from_fn(Modality::medium);
/// assert_eq!(words[Modality::Audio], "sound");
/// let lengths = words.map(str::len);
/// assert_eq!(lengths.iter().map(|(modality, length)| format!("{modality} {length}")).collect::<Vec<_>>(), ["audio 5", "video 7"]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modalities<T>([T; COUNT]);

impl<T> Modalities<T> {
    /// The value that `f` gives for each.
    pub fn from_fn(f: impl FnMut(Modality) -> T) -> Self {
        Self(Modality::ALL.map(f))
    }

    /// The given values, and the default one for each modality that is not given.
    ///
    /// ```
    /// use av_datasets::{Modalities, Modality};
    /// let lengths = Modalities::of([(Modality::Video, 7)]);
    /// assert_eq!((lengths[Modality::Audio], lengths[Modality::Video]), (0, 7));
    /// ```
    pub fn of(values: impl IntoIterator<Item = (Modality, T)>) -> Self
    where
        T: Default,
    {
        let mut all = Self::from_fn(|_| T::default());
        for (modality, value) in values {
            all[modality] = value;
        }
        all
    }

    /// Applies `f` to each value.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Modalities<U> {
        Modalities(self.0.map(f))
    }

    /// Applies `f` to each value in their order and stops at the first error.
    pub fn try_map<U, E>(
        self,
        mut f: impl FnMut(Modality, T) -> Result<U, E>,
    ) -> Result<Modalities<U>, E> {
        let mut mapped = [const { None }; COUNT];
        for ((modality, value), place) in Modality::ALL.into_iter().zip(self.0).zip(&mut mapped) {
            *place = Some(f(modality, value)?);
        }
        Ok(Modalities(mapped.map(filled)))
    }

    /// Pairs the values of two.
    pub fn zip<U>(self, other: Modalities<U>) -> Modalities<(T, U)> {
        let mut others = other.0.into_iter();
        Modalities(self.0.map(|value| (value, filled(others.next()))))
    }

    /// A reference to each value.
    pub fn as_ref(&self) -> Modalities<&T> {
        Modalities(self.0.each_ref())
    }

    /// A mutable reference to each value.
    pub fn as_mut(&mut self) -> Modalities<&mut T> {
        Modalities(self.0.each_mut())
    }

    /// Each modality with its value, in the order of [`Modality::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Modality, &T)> {
        Modality::ALL.into_iter().zip(&self.0)
    }
}

impl<T> IntoIterator for Modalities<T> {
    type Item = (Modality, T);
    type IntoIter =
        std::iter::Zip<std::array::IntoIter<Modality, COUNT>, std::array::IntoIter<T, COUNT>>;

    fn into_iter(self) -> Self::IntoIter {
        Modality::ALL.into_iter().zip(self.0)
    }
}

/// The value of a modality, of which every one was given.
fn filled<T>(value: Option<T>) -> T {
    match value {
        Some(value) => value,
        None => unreachable!("there is one value per modality"),
    }
}

impl<T> Index<Modality> for Modalities<T> {
    type Output = T;

    fn index(&self, modality: Modality) -> &T {
        &self.0[modality as usize]
    }
}

impl<T> IndexMut<Modality> for Modalities<T> {
    fn index_mut(&mut self, modality: Modality) -> &mut T {
        &mut self.0[modality as usize]
    }
}

impl<T: Serialize> Serialize for Modalities<T> {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        let mut map = output.serialize_map(Some(COUNT))?;
        for (modality, value) in self.iter() {
            map.serialize_entry(modality.name(), value)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Modalities<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Table<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for Table<T> {
            type Value = Modalities<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                write!(f, "a table with the keys {}", NAMES.join(", "))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut values = Modalities::from_fn(|_| None);
                while let Some(name) = map.next_key::<String>()? {
                    let modality = Modality::named(&name)
                        .ok_or_else(|| A::Error::unknown_field(&name, &NAMES))?;
                    if values[modality].replace(map.next_value()?).is_some() {
                        return Err(A::Error::duplicate_field(modality.name()));
                    }
                }
                Ok(values.map(Option::unwrap_or_default))
            }
        }
        input.deserialize_map(Table(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_under_their_modality() {
        for (index, modality) in Modality::ALL.into_iter().enumerate() {
            assert_eq!(modality as usize, index, "ALL is in the order of the variants");
            assert_eq!(Modality::named(modality.name()), Some(modality));
        }
        let mut values = Modalities::from_fn(|modality| modality as usize);
        values[Modality::Video] = 7;
        assert_eq!((values[Modality::Audio], values[Modality::Video]), (0, 7));
        let pairs = values.zip(values.map(|value| value + 1));
        assert!(pairs.iter().all(|(_, (a, b))| a + 1 == *b));
    }

    #[test]
    fn the_first_error_ends_a_mapping() {
        let mut seen = vec![];
        let outcome = Modalities::<()>::default().try_map(|modality, ()| {
            seen.push(modality);
            Err::<(), _>(modality)
        });
        assert_eq!((outcome, seen), (Err(Modality::Audio), vec![Modality::Audio]));
        let names =
            Modalities::<()>::default().try_map(|modality, ()| Ok::<_, ()>(modality.name()));
        assert_eq!(names, Ok(Modalities(NAMES)));
    }

    #[test]
    fn in_files_it_is_a_table_by_name() {
        let values = Modalities::of([(Modality::Audio, vec![1]), (Modality::Video, vec![2, 3])]);
        let text = serde_json::to_string(&values).unwrap();
        assert!(text.starts_with(r#"{"audio":[1],"video":[2,3]"#), "{text}");
        assert_eq!(serde_json::from_str::<Modalities<Vec<i32>>>(&text).unwrap(), values);
        let partial: Modalities<Option<u8>> = toml::from_str("video = 3").unwrap();
        assert_eq!(partial, Modalities::of([(Modality::Video, Some(3))]));
        let error = toml::from_str::<Modalities<u8>>("vidoe = 3").unwrap_err().to_string();
        assert!(error.contains("vidoe") && error.contains("`audio`"), "{error}");
        let names: Vec<Modality> = serde_json::from_str(r#"["video"]"#).unwrap();
        assert_eq!(names, [Modality::Video]);
        let error = serde_json::from_str::<Modality>(r#""smell""#).unwrap_err().to_string();
        assert!(error.contains("smell") && error.contains("`video`"), "{error}");
    }
}
