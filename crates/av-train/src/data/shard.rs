//! The clips of one of several machines.

use crate::{Error, Result};
use std::fmt;
use std::str::FromStr;

/// One of `N` parts of a data set's clips, for as many machines; `I/N` as text, `I` from 1.
///
/// # Definition
///
/// A clip belongs to the part that a hash of its name says. Its part therefore stays when clips are added or
/// found missing, and a folder of features that a machine has filled stays of use; counted off in order, one clip more
/// would move every clip behind it. The price: `m` clips in `N` parts give parts whose sizes differ by about
/// `sqrt(m / N)`.
///
/// ```
/// use av_train::Shard;
///
/// let shards = ["1/3", "2/3", "3/3"].map(|text| text.parse::<Shard>().ok());
/// let holding = shards.iter().flatten().filter(|shard| shard.holds("01-01-03-01-01-01-07"));
/// assert_eq!(holding.count(), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    count: u64,
}

/// Separates these hashes from any other use of the same function. Another text moves every clip to another part.
const CONTEXT: &str = "av-train 2026 shard of a clip";

impl Shard {
    /// The only part of one.
    pub const WHOLE: Self = Self { index: 1, count: 1 };

    /// Whether a clip of this name belongs to the part.
    pub fn holds(self, clip: &str) -> bool {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        let mut number = [0; 8];
        hasher.update(clip.as_bytes()).finalize_xof().fill(&mut number);
        // 2^64 is no multiple of most counts; the excess of the first parts is below any that could be counted.
        u64::from_le_bytes(number) % self.count == self.index - 1
    }

    /// Whether it is the first part, which also reports what belongs to no clip.
    pub(crate) fn is_first(self) -> bool {
        self.index == 1
    }
}

impl FromStr for Shard {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let shard = text.split_once('/').and_then(|(index, count)| {
            Some(Self { index: index.parse().ok()?, count: count.parse().ok()? })
        });
        shard.filter(|shard| (1..=shard.count).contains(&shard.index)).ok_or_else(|| {
            Error::Setting {
                key: "shard".into(),
                actual: text.into(),
                expected: "I/N with I from 1 to N, such as 2/8 for the second of eight machines",
            }
        })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shards(count: u64) -> Vec<Shard> {
        (1..=count).map(|index| format!("{index}/{count}").parse().unwrap()).collect()
    }

    #[test]
    fn every_clip_is_in_one_shard_and_the_shards_are_of_similar_size() {
        for count in [1, 2, 3, 7, 16] {
            let mut sizes = vec![0_u32; count as usize];
            for clip in 0..2000 {
                let name = format!("01-02-{clip:04}");
                let holding: Vec<usize> =
                    (0..sizes.len()).filter(|&i| shards(count)[i].holds(&name)).collect();
                assert_eq!(holding.len(), 1, "{name}: {holding:?} of {count}");
                sizes[holding[0]] += 1;
            }
            // Binomial: five standard deviations.
            let mean = 2000.0 / count as f64;
            let reach = 5.0 * (mean * (1.0 - 1.0 / count as f64)).sqrt();
            assert!(sizes.iter().all(|&n| (f64::from(n) - mean).abs() <= reach), "{sizes:?}");
        }
    }

    #[test]
    fn a_clip_keeps_its_shard_for_ever() {
        // Written down once: machines that share the work may have different builds.
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let held = names.map(|name| shards(4).iter().position(|s| s.holds(name)).unwrap() + 1);
        assert_eq!(held, [1, 1, 1, 3, 4, 3, 2, 2]);
    }

    #[test]
    fn what_is_no_shard_is_told_the_form() {
        for text in ["", "2", "0/4", "5/4", "1/0", "-1/4", "a/b", "1/4/2", "1 /4", "1.5/4"] {
            let message = text.parse::<Shard>().unwrap_err().to_string();
            let expected = format!("shard is {text}: it must be I/N with I from 1 to N");
            assert!(message.starts_with(&expected), "{message}");
        }
        assert_eq!("3/8".parse::<Shard>().unwrap().to_string(), "3/8");
    }
}
