//! The controls of the synthesiser over time: targets of the phones, smoothed as speech organs are.

use crate::person::VoiceIdentity;
use crate::random::Stream;
use crate::voice::phones::{Consonant, Manner};
use crate::voice::speech::{Speech, Syllable};
use crate::voice::style::Style;

/// Controls per second.
pub(crate) const CONTROL_HZ: f64 = 500.0;

/// Formant frequencies between phones, in hertz: those of a relaxed tract.
const RELAXED: [f64; 4] = [500.0, 1500.0, 2500.0, 3500.0];

/// Duration of the burst that ends a plosive, in seconds.
const BURST_S: f64 = 0.014;

/// The state of the synthesiser at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Control {
    /// Fundamental frequency in hertz.
    pub(crate) f0_hz: f64,
    /// Amplitude of the voice, 1 in a stressed vowel.
    pub(crate) voice: f64,
    /// Amplitude of the noise of a consonant.
    pub(crate) noise: f64,
    /// Centre of that noise in hertz.
    pub(crate) noise_hz: f64,
    /// Formant frequencies in hertz.
    pub(crate) formants: [f64; 4],
    /// Opening of the mouth, between 0 and 1.
    pub(crate) opening: f64,
}

/// The controls of a clip, [`CONTROL_HZ`] a second.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Track(Vec<Control>);

impl Track {
    pub(crate) fn new(
        speech: &Speech,
        person: &VoiceIdentity,
        style: &Style,
        duration_s: f64,
        stream: &mut Stream,
    ) -> Self {
        let mut controls = vec![];
        let mut now_s = 0.0;
        while now_s < duration_s {
            controls.push(target(speech, now_s));
            now_s += 1.0 / CONTROL_HZ;
        }
        let scale = person.formant_scale * style.formants;
        for formant in 0..RELAXED.len() {
            smooth(&mut controls, 0.012, |control| &mut control.formants[formant]);
            controls.iter_mut().for_each(|control| control.formants[formant] *= scale);
        }
        smooth(&mut controls, 0.005, |control| &mut control.voice);
        smooth(&mut controls, 0.003, |control| &mut control.noise);
        smooth(&mut controls, 0.022, |control| &mut control.opening);
        intonate(&mut controls, speech, person, style, stream);
        Self(controls)
    }

    /// The controls at a time; the first or the last beyond the ends.
    pub(crate) fn at(&self, time_s: f64) -> Option<&Control> {
        // A float cast saturates: a negative time is index 0.
        let index = (time_s * CONTROL_HZ) as usize;
        self.0.get(index).or(self.0.last())
    }
}

fn target(speech: &Speech, now_s: f64) -> Control {
    let silence = Control {
        f0_hz: 0.0,
        voice: 0.0,
        noise: 0.0,
        noise_hz: 1000.0,
        formants: RELAXED,
        opening: 0.0,
    };
    let spoken = |syllable: &&Syllable| syllable.start_s <= now_s && now_s < syllable.end_s;
    let Some(syllable) = speech.syllables.iter().find(spoken) else { return silence };
    if now_s >= syllable.vowel_s {
        let voice = 0.6 + 0.4 * syllable.stress;
        let opening = syllable.vowel.opening * (0.7 + 0.3 * syllable.stress);
        return Control { voice, formants: syllable.vowel.formants, opening, ..silence };
    }
    let Consonant { manner, formants, noise_hz, level, opening, .. } = syllable.consonant;
    let held = Control { formants, noise_hz, opening, ..silence };
    match manner {
        Manner::Plosive { .. } if syllable.vowel_s - now_s <= BURST_S => {
            Control { noise: level, ..held }
        }
        Manner::Plosive { voiced } => Control { voice: if voiced { 0.08 } else { 0.0 }, ..held },
        Manner::Fricative => Control { noise: level, ..held },
        Manner::Sonorant => Control { voice: level, ..held },
    }
}

/// Two one-pole filters in a row, each with this time constant in seconds.
fn smooth(controls: &mut [Control], time_s: f64, part: impl Fn(&mut Control) -> &mut f64) {
    let keep = (-1.0 / (time_s * CONTROL_HZ)).exp();
    let Some(first) = controls.first_mut() else { return };
    let mut states = [*part(first); 2];
    for control in controls {
        let value = part(control);
        states[0] += (1.0 - keep) * (*value - states[0]);
        states[1] += (1.0 - keep) * (states[0] - states[1]);
        *value = states[1];
    }
}

/// Declination, accents on the stressed vowels and a slow flutter.
fn intonate(
    controls: &mut [Control],
    speech: &Speech,
    person: &VoiceIdentity,
    style: &Style,
    stream: &mut Stream,
) {
    let Some((first, last)) = speech.syllables.first().zip(speech.syllables.last()) else {
        return;
    };
    let middle_s = 0.5 * (first.start_s + last.end_s);
    let mut flutter = 0.0;
    let mut now_s = 0.0;
    for control in controls {
        let accent = |syllable: &Syllable| {
            let peak_s = syllable.vowel_s + 0.06;
            syllable.stress * (-0.5 * ((now_s - peak_s) / 0.06).powi(2)).exp()
        };
        let accents: f64 = speech.syllables.iter().map(accent).sum();
        flutter = 0.98 * flutter + 0.03 * stream.normal();
        let semitones = style.pitch
            + style.slope * (now_s - middle_s)
            + style.accent * (accents - 0.5)
            + flutter;
        control.f0_hz = (person.f0_hz * (semitones / 12.0).exp2()).clamp(50.0, 600.0);
        now_s += 1.0 / CONTROL_HZ;
    }
}
