//! One clip: everything that was drawn for it, and its frames and samples.

use std::path::PathBuf;

use crate::config::SynthConfig;
use crate::face::{Picture, Pose, Scene};
use crate::latent::{Draw, ExpressionModel};
use crate::layout::Take;
use crate::person::Person;
use crate::random::Stream;
use crate::voice::{Recording, Speech, Style, Track, speak};

/// Time in which an expression comes up after the start of a clip, in seconds.
const ONSET_S: f64 = 0.2;

/// Share of an expression that a face shows from the first frame on.
const ONSET_SHARE: f64 = 0.6;

/// The ground truth of a clip.
///
/// Everything random in it and in its frames and samples comes from streams that the seed of the
/// corpus and the [`id`](Self::id) determine.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    /// Name without folder and extension.
    pub id: String,
    /// The file, relative to the folder of the corpus.
    pub path: PathBuf,
    /// Person, label, statement and repetition.
    pub take: Take,
    /// Who speaks.
    pub person: Person,
    /// The common latent and the two expressions.
    pub draw: Draw,
    /// Number of frames.
    pub frames: u32,
    /// Duration in seconds: that of the frames.
    pub duration_s: f64,
    /// How the voice is recorded.
    pub recording: Recording,
    /// How the face is filmed.
    pub scene: Scene,
    speech: Speech,
    track: Track,
}

impl Clip {
    pub(crate) fn new(config: &SynthConfig, model: &ExpressionModel, take: Take) -> Self {
        let id = config.layout.id(&take);
        let stream = |what: &str| Stream::new(config.seed, &format!("{id}/{what}"));
        let person = Person::new(config.seed, take.subject);
        let draw = model.draw(take.emotion, &mut stream("expression"));
        let [shortest, longest] = config.duration_s;
        let wanted_s = stream("duration").uniform(shortest, longest);
        // At least one frame; the cast is of a number that the configuration limits to 600.
        let frames = ((wanted_s * f64::from(config.fps)).round() as u32).max(1);
        let duration_s = f64::from(frames) / f64::from(config.fps);
        let style = Style::new(&draw.voice);
        let speech = Speech::new(&person.voice, &style, duration_s, &mut stream("speech"));
        let mut contour = stream("contour");
        let track = Track::new(&speech, &person.voice, &style, duration_s, &mut contour);
        Self {
            path: config.layout.path(&take),
            recording: Recording::new(config, &mut stream("recording")),
            scene: Scene::new(config, duration_s, &mut stream("scene")),
            id,
            take,
            person,
            draw,
            frames,
            duration_s,
            speech,
            track,
        }
    }

    /// What is said, such as `ta-mi-sa`; S is the sound of "she", A that of "cat".
    pub fn syllables(&self) -> String {
        self.speech.text()
    }

    /// The frames: red, green and blue of each pixel in rows from the top.
    pub fn frames<'a>(&'a self, config: &'a SynthConfig) -> impl Iterator<Item = Vec<u8>> + 'a {
        let picture = Picture {
            width: config.width,
            height: config.height,
            person: &self.person.face,
            scene: &self.scene,
            camera_noise: config.camera_noise,
        };
        let mut stream = Stream::new(config.seed, &format!("{}/camera", self.id));
        (0..self.frames).map(move |frame| {
            let time_s = (f64::from(frame) + 0.5) / f64::from(config.fps);
            let (pose, roll) = self.pose(time_s);
            picture.frame(&pose, roll, &mut stream)
        })
    }

    fn pose(&self, time_s: f64) -> (Pose, f64) {
        let rise = (time_s / ONSET_S).min(1.0);
        let strength = ONSET_SHARE + (1.0 - ONSET_SHARE) * rise * rise * (3.0 - 2.0 * rise);
        let opening = self.track.at(time_s).map_or(0.0, |control| control.opening);
        let [yaw, pitch, roll] = self.scene.turn(time_s);
        let blink = self.scene.blink(time_s);
        let pose = Pose::new(&self.person.face, &self.draw.face, strength, opening);
        (Pose { yaw, pitch, blink, ..pose }, roll)
    }

    /// The sound: one channel within -1 to 1, as long as the frames.
    pub fn samples(&self, config: &SynthConfig) -> Vec<f32> {
        let rate_hz = f64::from(config.sample_rate_hz);
        let style = Style::new(&self.draw.voice);
        let mut stream = Stream::new(config.seed, &format!("{}/sound", self.id));
        let count = (self.duration_s * rate_hz).round() as usize;
        let voice = speak(&self.track, &self.person.voice, &style, count, rate_hz, &mut stream);
        let level_db = self.person.voice.loudness_db + style.level_db;
        self.recording.record(&voice, level_db, rate_hz, &mut stream)
    }
}
