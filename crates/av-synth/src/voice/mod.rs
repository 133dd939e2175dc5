//! The voice: a source and a filter, driven by a string of syllables.

mod filter;
mod phones;
mod room;
mod source;
mod speech;
mod style;
mod track;

pub use room::Recording;
pub(crate) use speech::Speech;
pub(crate) use style::Style;
pub(crate) use track::Track;

use crate::person::VoiceIdentity;
use crate::random::Stream;
use filter::Resonator;
use source::Glottis;

/// Formants above the moving ones, of a man of average height, in hertz. Without them the tract
/// would swallow everything above the fourth.
const FIXED: [f64; 4] = [4500.0, 5500.0, 6500.0, 7500.0];

/// Bandwidths of the moving and the fixed formants in hertz.
const BANDWIDTHS: [f64; 8] = [70.0, 90.0, 130.0, 220.0, 300.0, 400.0, 500.0, 600.0];

/// Bandwidth of the noise of consonants in hertz.
const NOISE_BANDWIDTH: f64 = 1200.0;

/// Samples between two settings of the filters: 2 ms at 16 kHz.
const TUNING: usize = 32;

/// Gain that brings a vowel of the average voice to root mean square 1.
const VOWEL_GAIN: f64 = 1.8;

/// The sound pressure of a voice at the microphone, before loudness and room.
pub(crate) fn speak(
    track: &Track,
    person: &VoiceIdentity,
    style: &Style,
    samples: usize,
    rate_hz: f64,
    stream: &mut Stream,
) -> Vec<f64> {
    let mut glottis = Glottis::new(person, style, rate_hz);
    let mut formants: [Resonator; 8] = Default::default();
    let mut band = Resonator::default();
    let fixed = FIXED.map(|centre_hz| centre_hz * person.formant_scale);
    let mut sound = Vec::with_capacity(samples);
    for index in 0..samples {
        let Some(control) = track.at(index as f64 / rate_hz) else { break };
        if index % TUNING == 0 {
            let centres = control.formants.iter().chain(&fixed);
            for ((formant, centre), bandwidth) in formants.iter_mut().zip(centres).zip(BANDWIDTHS) {
                formant.tune(*centre, bandwidth, rate_hz);
            }
            band.tune_band(control.noise_hz * person.formant_scale, NOISE_BANDWIDTH, rate_hz);
        }
        let source = control.voice * glottis.next(control.f0_hz, stream);
        let voiced = formants.iter_mut().fold(source, |sample, formant| formant.pass(sample));
        let noise = control.noise * band.pass(stream.normal());
        sound.push(VOWEL_GAIN * voiced + noise);
    }
    sound
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latent::Expression;
    use crate::person::Person;

    const RATE: f64 = 16_000.0;

    struct Spoken {
        speech: Speech,
        track: Track,
        sound: Vec<f64>,
        person: VoiceIdentity,
    }

    /// Two seconds of the first person's voice.
    fn spoken(expression: Expression) -> Spoken {
        let person = Person::new(1, 1).voice;
        let style = Style::new(&expression);
        let speech = Speech::new(&person, &style, 2.0, &mut Stream::new(1, "speech"));
        let track = Track::new(&speech, &person, &style, 2.0, &mut Stream::new(1, "contour"));
        let mut stream = Stream::new(1, "sound");
        let sound = speak(&track, &person, &style, 32_000, RATE, &mut stream);
        Spoken { speech, track, sound, person }
    }

    /// Power at a frequency of a stretch of sound, through a Hann window.
    fn power(sound: &[f64], hz: f64) -> f64 {
        let count = sound.len() as f64;
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in sound.iter().enumerate() {
            let (time, angle) = (n as f64 / count, std::f64::consts::TAU * hz * n as f64 / RATE);
            let windowed = sample * (std::f64::consts::PI * time).sin().powi(2);
            re += windowed * angle.cos();
            im += windowed * angle.sin();
        }
        (re * re + im * im) / count
    }

    /// Power within 120 Hz of a frequency.
    fn band(sound: &[f64], hz: f64) -> f64 {
        (-6..=6).map(|k| power(sound, hz + 20.0 * f64::from(k))).sum()
    }

    /// The period, as a frequency, at which a stretch of sound resembles itself most.
    fn pitch(sound: &[f64]) -> f64 {
        let alike = |lag: usize| sound.iter().zip(&sound[lag..]).map(|(a, b)| a * b).sum::<f64>();
        let lag = (40..267).max_by(|a, b| alike(*a).total_cmp(&alike(*b))).unwrap();
        RATE / lag as f64
    }

    /// The samples in the middle of each vowel, with the time of their middle.
    fn vowels(spoken: &Spoken) -> impl Iterator<Item = (&speech::Syllable, f64, &[f64])> {
        spoken.speech.syllables.iter().map(|syllable| {
            let middle_s = 0.5 * (syllable.vowel_s + syllable.end_s) + 0.02;
            let middle = (middle_s * RATE) as usize;
            (syllable, middle_s, &spoken.sound[middle - 400..middle + 400])
        })
    }

    #[test]
    fn the_pitch_of_the_sound_is_that_of_the_track() {
        let spoken = spoken([0.0; 3]);
        for (_, middle_s, stretch) in vowels(&spoken) {
            let expected = spoken.track.at(middle_s).unwrap().f0_hz;
            let measured = pitch(stretch);
            // One sample of 16 kHz at 150 Hz is 1 %; the contour moves within the window.
            assert!((measured / expected - 1.0).abs() < 0.06, "{measured} {expected}");
        }
    }

    #[test]
    fn a_vowel_is_louder_at_its_second_formant_than_between_the_second_and_the_third() {
        let spoken = spoken([0.0; 3]);
        for (syllable, _, stretch) in vowels(&spoken) {
            let [_, second, third, _] =
                syllable.vowel.formants.map(|hz| hz * spoken.person.formant_scale);
            if third - second > 1000.0 {
                let (peak, valley) = (band(stretch, second), band(stretch, 0.5 * (second + third)));
                assert!(peak > 4.0 * valley, "{} {peak} {valley}", syllable.vowel.letter);
            }
        }
    }

    #[test]
    fn arousal_raises_the_pitch_and_brightness_the_treble_and_tempo_the_rate() {
        let track_pitch = |s: &Spoken| s.track.at(1.0).unwrap().f0_hz;
        assert!(
            track_pitch(&spoken([1.5, 0.0, 0.0])) > 1.1 * track_pitch(&spoken([-1.5, 0.0, 0.0]))
        );
        let treble = |s: &Spoken| {
            let high: f64 = vowels(s).map(|(_, _, x)| band(x, 2500.0)).sum();
            let all: f64 = vowels(s).flat_map(|(_, _, x)| x).map(|v| v * v).sum();
            high / all
        };
        let (dark, bright) = (treble(&spoken([0.0, -1.5, 0.0])), treble(&spoken([0.0, 1.5, 0.0])));
        assert!(bright > 3.0 * dark, "{bright} {dark}");
        let count = |s: &Spoken| s.speech.syllables.len();
        assert!(count(&spoken([0.0, 0.0, 1.5])) > count(&spoken([0.0, 0.0, -1.5])) + 3);
    }

    #[test]
    fn an_average_vowel_has_root_mean_square_one() {
        let spoken = spoken([0.0; 3]);
        let powers = vowels(&spoken).map(|(_, _, x)| x.iter().map(|v| v * v).sum::<f64>() / 800.0);
        let level = (powers.sum::<f64>() / spoken.speech.syllables.len() as f64).sqrt();
        assert!((0.7..1.4).contains(&level), "{level}");
    }
}
