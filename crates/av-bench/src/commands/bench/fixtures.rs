//! The files that tasks read: the same in every run, made before anything is measured.

use crate::failure::{Failure, Result};
use av_features::{ClipFormat, write_clip};
use av_synth::{Corpus, Emotion, SynthConfig};
use av_train::write_atomic;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The experiment of the demo, which the model is trained by.
const EXPERIMENT: &str = include_str!("../../../demo.toml");

/// What is changed of it: the shortest training that gives a model.
const SHORTEST: [&str; 3] = ["seeds=[1]", "training.epochs=1", "protocol.k=2"];

/// Rate of the sound file in Hz: that of most films.
pub const FILM_RATE_HZ: u32 = 48_000;

/// A folder of them.
pub struct Fixtures(PathBuf);

impl Fixtures {
    /// A folder that [`Fixtures::write`] has filled.
    pub fn within(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Renders the clip, and trains the model where one is needed.
    pub fn write(folder: &Path, with_model: bool) -> Result<Self> {
        let fixtures = Self::within(folder);
        // A second of a picture somewhat larger than a face needs, and sound at the rate of films.
        let config = SynthConfig {
            subjects: 1,
            clips: 1,
            width: 256,
            height: 192,
            sample_rate_hz: FILM_RATE_HZ,
            duration_s: [1.0, 1.0],
            ..few_classes()
        };
        let corpus = Corpus::new(&config)?;
        let SynthConfig { width, height, fps, sample_rate_hz, .. } = config;
        let format = ClipFormat { width, height, fps, sample_rate_hz };
        for clip in corpus.clips.iter().take(1) {
            let samples = clip.samples(&config);
            write_clip(&fixtures.clip(), &format, clip.frames(&config), &samples)?;
            write_atomic(&fixtures.sound(), &wav(&samples, sample_rate_hz))?;
        }
        if with_model {
            fixtures.train()?;
        }
        Ok(fixtures)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// A clip with picture and sound.
    pub fn clip(&self) -> PathBuf {
        self.0.join("clip.mp4")
    }

    /// The sound of the clip, without a codec.
    pub fn sound(&self) -> PathBuf {
        self.0.join("sound.wav")
    }

    /// A trained model.
    pub fn model(&self) -> PathBuf {
        self.0.join("run").join("model")
    }

    /// By the program itself, as its users train one.
    fn train(&self) -> Result<()> {
        let config = SynthConfig { subjects: 4, clips: 1, ..few_classes() };
        let [data, experiment] = ["corpus", "experiment.toml"].map(|name| self.0.join(name));
        av_synth::render(&config, &data, |_, _| ())?;
        write_atomic(&experiment, EXPERIMENT.as_bytes())?;
        let mut command = Command::new(super::program()?);
        command.arg("run").arg(experiment).arg("--data").arg(data);
        command.arg("--out").arg(self.0.join("run")).arg("--cache").arg(self.0.join("cache"));
        for setting in SHORTEST {
            command.args(["--set", setting]);
        }
        let output = command.output().map_err(|error| Failure::Internal(error.to_string()))?;
        if output.status.success() {
            return Ok(());
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        Err(Failure::Internal(format!("no model could be trained: {}", errors.trim())))
    }
}

/// Two classes are enough: nobody looks at the decisions.
fn few_classes() -> SynthConfig {
    SynthConfig { emotions: vec![Emotion::Happy, Emotion::Angry], ..SynthConfig::default() }
}

/// A wav file of one channel of 16-bit samples.
///
/// Source: Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0", 1991, chapter 3.
fn wav(samples: &[f32], rate_hz: u32) -> Vec<u8> {
    const SAMPLE_BYTES: u16 = 2;
    const FORMAT_BYTES: u32 = 16;
    let data: Vec<u8> = samples
        .iter()
        .flat_map(|sample| ((sample.clamp(-1.0, 1.0) * f32::from(i16::MAX)) as i16).to_le_bytes())
        .collect();
    let length = data.len() as u32;
    let mut file = Vec::with_capacity(44 + data.len());
    file.extend(b"RIFF");
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(FORMAT_BYTES.to_le_bytes());
    file.extend([1_u16, 1].map(u16::to_le_bytes).concat()); // samples as they are, one channel
    file.extend([rate_hz, rate_hz * u32::from(SAMPLE_BYTES)].map(u32::to_le_bytes).concat());
    file.extend([SAMPLE_BYTES, 8 * SAMPLE_BYTES].map(u16::to_le_bytes).concat());
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file.extend(data);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sound_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sound.wav");
        let samples: Vec<f32> = (0..480).map(|i| (i as f32 * 0.1).sin() * 0.5).collect();
        write_atomic(&path, &wav(&samples, FILM_RATE_HZ)).unwrap();
        let sound = av_features::read_sound(&path, FILM_RATE_HZ).unwrap();
        assert_eq!(sound.samples.len(), 480);
        let error = |(a, b): (&f32, &f32)| (a - b).abs();
        let worst = sound.samples.iter().zip(&samples).map(error).fold(0.0, f32::max);
        assert!(worst < 2.0 / 32_768.0, "{worst}");
    }
}
