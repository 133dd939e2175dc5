//! The table of the ground truth: one row a clip, in the order of their names.

use std::path::Path;

use crate::clip::Clip;
use crate::person::Colour;
use crate::{Error, Result, files};

/// Writes the table.
pub(crate) fn write(path: &Path, clips: &[Clip]) -> Result<()> {
    let failed = |error: std::io::Error| Error::Write { path: path.to_owned(), source: error };
    let mut writer = csv::Writer::from_writer(vec![]);
    for (index, clip) in clips.iter().enumerate() {
        let columns = [label(clip), expressions(clip), nuisances(clip), identity(clip)].concat();
        let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        if index == 0 {
            writer.write_record(names).map_err(|error| failed(error.into()))?;
        }
        writer.write_record(values).map_err(|error| failed(error.into()))?;
    }
    let table = writer.into_inner().map_err(|error| failed(error.into_error()))?;
    files::write(path, &table)
}

/// The name of a column and a value in it.
type Column = (&'static str, String);

fn label(clip: &Clip) -> Vec<Column> {
    vec![
        ("clip", clip.id.clone()),
        ("path", clip.path.display().to_string()),
        ("subject", clip.take.subject.to_string()),
        ("emotion", clip.take.emotion.name().to_owned()),
        ("frames", clip.frames.to_string()),
        ("duration_s", clip.duration_s.to_string()),
    ]
}

fn expressions(clip: &Clip) -> Vec<Column> {
    let ([z1, z2], voice, face) = (clip.draw.latent, clip.draw.voice, clip.draw.face);
    numbers(&[
        ("z1", z1),
        ("z2", z2),
        ("voice_arousal", voice[0]),
        ("voice_brightness", voice[1]),
        ("voice_tempo", voice[2]),
        ("face_brows", face[0]),
        ("face_eyes", face[1]),
        ("face_mouth", face[2]),
    ])
}

fn nuisances(clip: &Clip) -> Vec<Column> {
    let (recording, scene) = (&clip.recording, &clip.scene);
    let mut columns = numbers(&[
        ("loudness_db", recording.loudness_db),
        ("room_noise_db", recording.room_noise_db),
        ("microphone_db", recording.microphone_db),
        ("yaw_rad", scene.yaw),
        ("pitch_rad", scene.pitch),
        ("roll_rad", scene.roll),
        ("offset_x", scene.offset[0]),
        ("offset_y", scene.offset[1]),
        ("zoom", scene.zoom),
        ("sway_yaw_rad", scene.sway[0]),
        ("sway_pitch_rad", scene.sway[1]),
        ("sway_roll_rad", scene.sway[2]),
        ("sway_hz", scene.sway_hz),
        ("blink_s", scene.blink_s),
        ("light_direction_rad", scene.light.direction),
        ("light_contrast", scene.light.contrast),
        ("light_exposure", scene.light.exposure),
    ]);
    columns.push(("wall", hex(scene.wall)));
    columns.push(("syllables", clip.syllables()));
    columns
}

fn identity(clip: &Clip) -> Vec<Column> {
    let (voice, face) = (&clip.person.voice, &clip.person.face);
    let mut columns = numbers(&[
        ("person_f0_hz", voice.f0_hz),
        ("person_formant_scale", voice.formant_scale),
        ("person_rate", voice.rate),
        ("person_loudness_db", voice.loudness_db),
        ("person_breath", voice.breath),
        ("person_jitter", voice.jitter),
        ("person_width", face.width),
        ("person_taper", face.taper),
        ("person_eye_distance", face.eye_distance),
        ("person_eye_width", face.eye_width),
        ("person_eye_height", face.eye_height),
        ("person_brow_height", face.brow_height),
        ("person_brow_thickness", face.brow_thickness),
        ("person_nose_width", face.nose_width),
        ("person_mouth_width", face.mouth_width),
        ("person_mouth_corners", face.mouth_corners),
        ("person_lips", face.lips),
        ("person_hairline", face.hairline),
    ]);
    columns.push(("person_skin", hex(face.skin)));
    columns.push(("person_hair", hex(face.hair)));
    columns.push(("person_iris", hex(face.iris)));
    columns.push(("person_shirt", hex(face.shirt)));
    columns.push(("person_long_hair", face.long_hair.to_string()));
    columns
}

fn numbers(values: &[(&'static str, f64)]) -> Vec<Column> {
    values.iter().map(|(name, value)| (*name, value.to_string())).collect()
}

/// A colour as in `#e6c8aa`.
fn hex(colour: Colour) -> String {
    // A float cast saturates at 0 and 255.
    let [red, green, blue] = colour.map(|part| (255.0 * part).round() as u8);
    format!("#{red:02x}{green:02x}{blue:02x}")
}
