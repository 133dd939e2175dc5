//! What is said and when: a string of syllables in time.

use crate::person::VoiceIdentity;
use crate::random::Stream;
use crate::voice::phones::{CONSONANTS, Consonant, VOWELS, Vowel};
use crate::voice::style::Style;

/// Silence before the first syllable and, at least, after the last, in seconds.
const MARGIN_S: f64 = 0.08;

/// A consonant and a vowel. Times are in seconds from the start of the clip.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Syllable {
    pub(crate) consonant: Consonant,
    pub(crate) vowel: Vowel,
    pub(crate) start_s: f64,
    pub(crate) vowel_s: f64,
    pub(crate) end_s: f64,
    /// 1 on a stressed syllable, less on others.
    pub(crate) stress: f64,
}

/// The syllables of a clip.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Speech {
    pub(crate) syllables: Vec<Syllable>,
}

impl Speech {
    /// As many syllables as fit into the duration at the speaker's rate, one at least.
    pub(crate) fn new(
        person: &VoiceIdentity,
        style: &Style,
        duration_s: f64,
        stream: &mut Stream,
    ) -> Self {
        let mut syllables = vec![];
        let mut now_s = MARGIN_S + stream.uniform(0.0, 0.04);
        let pace = 1.0 / (style.rate * person.rate);
        let offbeat = stream.uniform(0.0, 1.0) < 0.5;
        loop {
            let (consonant, vowel) = (stream.choose(&CONSONANTS), stream.choose(&VOWELS));
            let stressed = syllables.len().is_multiple_of(2) != offbeat;
            let stress = if stressed { 1.0 } else { stream.uniform(0.2, 0.5) };
            let lasting = pace * (0.06 * stream.normal()).exp();
            let vowel_s = now_s + consonant.duration_s * lasting;
            let end_s = vowel_s + (0.11 + 0.03 * stress) * lasting;
            if end_s > duration_s - MARGIN_S && !syllables.is_empty() {
                return Self { syllables };
            }
            syllables.push(Syllable { consonant, vowel, start_s: now_s, vowel_s, end_s, stress });
            now_s = end_s + style.pause_s * stream.uniform(0.7, 1.3);
        }
    }

    /// The syllables in letters, such as `ta-mi-sa`; S is the sound of "she", A that of "cat".
    pub(crate) fn text(&self) -> String {
        let letters = |s: &Syllable| String::from_iter([s.consonant.letter, s.vowel.letter]);
        self.syllables.iter().map(letters).collect::<Vec<_>>().join("-")
    }
}
