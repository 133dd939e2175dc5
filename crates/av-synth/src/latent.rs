//! The generative model: what face and voice share, and what a perfect recogniser would reach.

use serde::Serialize;

use crate::config::SynthConfig;
use crate::emotion::Emotion;
use crate::random::Stream;

/// The common latent z of a clip: two independent standard normal numbers.
pub type Latent = [f64; 2];

/// An expression: arousal, brightness and tempo of a voice, or brows, eyes and mouth of a face.
pub type Expression = [f64; 3];

/// Loading of the latent on the voice; its columns are orthonormal.
pub const VOICE_LOADING: [Latent; 3] =
    [[2.0 / 3.0, 1.0 / 3.0], [1.0 / 3.0, 2.0 / 3.0], [2.0 / 3.0, -2.0 / 3.0]];

/// Loading of the latent on the face; its columns are orthonormal.
pub const FACE_LOADING: [Latent; 3] =
    [[1.0 / 3.0, 2.0 / 3.0], [2.0 / 3.0, 1.0 / 3.0], [2.0 / 3.0, -2.0 / 3.0]];

/// Expressions beyond this many units change a voice or a face less and less.
const REACH: f64 = 3.5;

/// Draws behind a Bayes accuracy: its standard error is below 0.0025.
const DRAWS: u32 = 40_000;

/// The model that draws the expressions of a clip from its label.
///
/// Definition: with z standard normal in two dimensions, noises n standard normal in three, all
/// independent, the common scale s, and matrices A and V with orthonormal columns,
/// ```text
/// voice = voice mean of the label + s A z + sigma_a n_a
/// face  = face mean of the label  + s V z + sigma_v n_v
/// ```
/// Given the label, voice and face therefore have two canonical correlations, both
/// [`correlation`](Self::correlation), and are independent given z too.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpressionModel {
    emotions: Vec<Emotion>,
    common_scale: f64,
    voice_noise: f64,
    face_noise: f64,
}

/// The expressions of one clip and the latent they share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Draw {
    /// The common latent.
    pub latent: Latent,
    /// Arousal, brightness, tempo.
    pub voice: Expression,
    /// Brows, eyes, mouth.
    pub face: Expression,
}

/// Accuracies of the best possible decision from the expressions themselves, labels equally likely.
///
/// A recogniser that has to measure the expressions in the clips of a person it has never seen
/// stays below.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BayesAccuracy {
    /// From the voice alone.
    pub audio: f64,
    /// From the face alone.
    pub video: f64,
    /// From both.
    pub both: f64,
}

impl ExpressionModel {
    /// The model of a configuration.
    pub fn new(config: &SynthConfig) -> Self {
        Self {
            emotions: config.emotions.clone(),
            common_scale: config.common_scale,
            voice_noise: config.voice_noise,
            face_noise: config.face_noise,
        }
    }

    pub(crate) fn draw(&self, emotion: Emotion, stream: &mut Stream) -> Draw {
        let latent = [stream.normal(), stream.normal()];
        let mut expression = |mean: Expression, loading: &[Latent; 3], noise: f64| {
            let mut drawn = mean;
            for (value, row) in drawn.iter_mut().zip(loading) {
                let shared = row[0] * latent[0] + row[1] * latent[1];
                *value += self.common_scale * shared + noise * stream.normal();
            }
            drawn
        };
        let voice = expression(emotion.voice(), &VOICE_LOADING, self.voice_noise);
        let face = expression(emotion.face(), &FACE_LOADING, self.face_noise);
        Draw { latent, voice, face }
    }

    /// Both canonical correlations of voice and face given the label.
    ///
    /// Definition: `s² / sqrt((s² + sigma_a²) (s² + sigma_v²))`.
    pub fn correlation(&self) -> f64 {
        let shared = self.common_scale.powi(2);
        let (voice, face) = (shared + self.voice_noise.powi(2), shared + self.face_noise.powi(2));
        shared / (voice * face).sqrt()
    }

    /// The mutual information of voice and face given the label.
    ///
    /// Definition: `-ln(1 - r²)` with r the [`correlation`](Self::correlation), the sum of two
    /// Gaussian pairs. Units: nat.
    pub fn information(&self) -> f64 {
        -(-self.correlation().powi(2)).ln_1p()
    }

    /// Accuracies of the best possible decisions.
    ///
    /// Numerics: Monte Carlo with 40,000 draws of a stream that the seed determines; the standard
    /// error is below 0.0025.
    pub fn bayes_accuracy(&self, seed: u64) -> BayesAccuracy {
        let mut stream = Stream::new(seed, "bayes");
        let mut right = [0_u32; 3];
        for index in 0..DRAWS as usize {
            let truth = self.emotions[index % self.emotions.len()];
            let draw = self.draw(truth, &mut stream);
            for (count, (voice, face)) in
                right.iter_mut().zip([(true, false), (false, true), (true, true)])
            {
                let distance = |emotion: &&Emotion| self.distance(**emotion, &draw, voice, face);
                let best = self.emotions.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
                *count += u32::from(best == Some(&truth));
            }
        }
        let [audio, video, both] = right.map(|count| f64::from(count) / f64::from(DRAWS));
        BayesAccuracy { audio, video, both }
    }

    /// The squared Mahalanobis distance of a draw from a class, seen through voice, face or both.
    ///
    /// The covariance D + L Lᵀ, D diagonal, is inverted by the Woodbury identity; the columns of
    /// the loadings being orthonormal, Lᵀ D⁻¹ L is a multiple of the identity.
    fn distance(&self, emotion: Emotion, draw: &Draw, voice: bool, face: bool) -> f64 {
        let mut plain = 0.0;
        let mut projected = [0.0; 2];
        let mut precision = 0.0;
        let parts = [
            (voice, &draw.voice, emotion.voice(), &VOICE_LOADING, self.voice_noise),
            (face, &draw.face, emotion.face(), &FACE_LOADING, self.face_noise),
        ];
        for (seen, value, mean, loading, noise) in parts {
            if !seen {
                continue;
            }
            let variance = noise.powi(2);
            precision += self.common_scale.powi(2) / variance;
            for ((value, mean), row) in value.iter().zip(mean).zip(loading) {
                let scaled = (value - mean) / variance;
                plain += scaled * (value - mean);
                projected[0] += self.common_scale * row[0] * scaled;
                projected[1] += self.common_scale * row[1] * scaled;
            }
        }
        plain - (projected[0].powi(2) + projected[1].powi(2)) / (1.0 + precision)
    }
}

/// Limits an expression smoothly to what voices and faces can do.
pub(crate) fn soften(value: f64) -> f64 {
    REACH * (value / REACH).tanh()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(common_scale: f64, voice_noise: f64, face_noise: f64) -> ExpressionModel {
        let emotions = vec![Emotion::Happy, Emotion::Angry, Emotion::Sad];
        ExpressionModel { emotions, common_scale, voice_noise, face_noise }
    }

    /// Pearson's correlation of pairs.
    fn pearson(pairs: &[[f64; 2]]) -> f64 {
        let count = pairs.len() as f64;
        let mean = [0, 1].map(|i| pairs.iter().map(|p| p[i]).sum::<f64>() / count);
        let product = |i: usize, j: usize| {
            pairs.iter().map(|p| (p[i] - mean[i]) * (p[j] - mean[j])).sum::<f64>()
        };
        product(0, 1) / (product(0, 0) * product(1, 1)).sqrt()
    }

    fn draws(model: &ExpressionModel, emotion: Emotion) -> Vec<Draw> {
        let mut stream = Stream::new(5, "test");
        (0..20_000).map(|_| model.draw(emotion, &mut stream)).collect()
    }

    #[test]
    fn voice_and_face_share_the_latent_as_strongly_as_designed() {
        let model = model(0.6, 0.35, 0.5);
        let along = |e: Expression, mean: Expression, loading: [Latent; 3], column: usize| {
            (0..3).map(|row| loading[row][column] * (e[row] - mean[row])).sum::<f64>()
        };
        for column in [0, 1] {
            let pair = |draw: &Draw| {
                [
                    along(draw.voice, Emotion::Sad.voice(), VOICE_LOADING, column),
                    along(draw.face, Emotion::Sad.face(), FACE_LOADING, column),
                ]
            };
            let pairs: Vec<_> = draws(&model, Emotion::Sad).iter().map(pair).collect();
            // 0.36 / sqrt((0.36 + 0.1225) (0.36 + 0.25)); five standard errors of 20,000 draws.
            assert!((model.correlation() - 0.663_573).abs() < 1e-6, "{}", model.correlation());
            assert!((pearson(&pairs) - model.correlation()).abs() < 0.02, "{}", pearson(&pairs));
        }
    }

    #[test]
    fn pitch_and_the_corners_of_the_mouth_follow_the_latent() {
        let model = model(0.6, 0.35, 0.35);
        let person = crate::Person::new(1, 1);
        // Loading (2/3, 1/3) on the pitch, (2/3, -2/3) on the mouth, variances 0.36 |row|² + 0.1225.
        let expected = [0.4 / (0.2 + 0.1225_f64).sqrt(), 0.4 / (0.32 + 0.1225_f64).sqrt()];
        let neutral = draws(&model, Emotion::Neutral);
        let pitch = |d: &Draw| [d.latent[0], crate::voice::Style::new(&d.voice).pitch];
        let corners = |d: &Draw| {
            [d.latent[0], crate::face::Pose::new(&person.face, &d.face, 1.0, 0.0).corners]
        };
        let measured = [
            pearson(&neutral.iter().map(pitch).collect::<Vec<_>>()),
            pearson(&neutral.iter().map(corners).collect::<Vec<_>>()),
        ];
        // The limit of the expressions costs a little of the linear correlation.
        assert!((measured[0] - expected[0]).abs() < 0.015, "{measured:?} {expected:?}");
        assert!((measured[1] - expected[1]).abs() < 0.015, "{measured:?} {expected:?}");
    }

    #[test]
    fn two_classes_without_a_common_part_have_the_accuracy_of_the_textbook() {
        // Phi(d / 2) with d the distance of the means in units of the noise.
        let mut model = model(0.0, 1.0, 1.0);
        model.emotions = vec![Emotion::Happy, Emotion::Surprised];
        let distance = |a: Expression, b: Expression| {
            (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
        };
        let voice = distance(Emotion::Happy.voice(), Emotion::Surprised.voice());
        let face = distance(Emotion::Happy.face(), Emotion::Surprised.face());
        let bayes = model.bayes_accuracy(3);
        // Five standard errors of 40,000 draws.
        let near = |measured: f64, d: f64| (measured - normal_cdf(d / 2.0)).abs() < 0.0125;
        assert!(near(bayes.audio, voice), "{} {}", bayes.audio, normal_cdf(voice / 2.0));
        assert!(near(bayes.video, face), "{} {}", bayes.video, normal_cdf(face / 2.0));
        assert!(near(bayes.both, voice.hypot(face)), "{}", bayes.both);
    }

    /// The normal distribution function by the trapezoidal rule.
    fn normal_cdf(x: f64) -> f64 {
        let density = |t: f64| (-0.5 * t * t).exp() / std::f64::consts::TAU.sqrt();
        let steps = 20_000;
        let width = x / f64::from(steps);
        0.5 + (0..steps).map(|i| width * density((f64::from(i) + 0.5) * width)).sum::<f64>()
    }

    #[test]
    fn distances_agree_with_the_covariance_inverted_by_elimination() {
        let model = model(0.6, 0.35, 0.5);
        let loading: Vec<Latent> = VOICE_LOADING.into_iter().chain(FACE_LOADING).collect();
        let draw = draws(&model, Emotion::Angry)[0];
        let mean = Emotion::Sad.voice().into_iter().chain(Emotion::Sad.face());
        let difference: Vec<f64> =
            draw.voice.into_iter().chain(draw.face).zip(mean).map(|(e, m)| e - m).collect();
        let mut system: Vec<Vec<f64>> = (0..6)
            .map(|i| {
                let noise: f64 = if i < 3 { 0.35 } else { 0.5 };
                let entry = |j: usize| {
                    let shared = loading[i][0] * loading[j][0] + loading[i][1] * loading[j][1];
                    0.36 * shared + if i == j { noise * noise } else { 0.0 }
                };
                (0..6).map(entry).chain([difference[i]]).collect()
            })
            .collect();
        for pivot in 0..6 {
            for row in (0..6).filter(|row| *row != pivot) {
                let factor = system[row][pivot] / system[pivot][pivot];
                let scaled: Vec<f64> = system[pivot].iter().map(|v| factor * v).collect();
                system[row].iter_mut().zip(scaled).for_each(|(v, s)| *v -= s);
            }
        }
        let slow: f64 = (0..6).map(|i| difference[i] * system[i][6] / system[i][i]).sum();
        let fast = model.distance(Emotion::Sad, &draw, true, true);
        assert!((fast - slow).abs() < 1e-9 * slow, "{fast} {slow}");
    }
}
