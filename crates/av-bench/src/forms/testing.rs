//! Clips for the tests of all forms.

use super::Form;
use av_train::{ClipReport, SegmentPrediction};

/// A name and classes that each form has to write in its own way.
pub const ODD_FILE: &str = "/clips/b, \"c\" <d> & é.mp4";
pub const ODD_CLASSES: [&str; 2] = ["joy & \"<wonder>\"", "Wut, Ärger"];

pub fn classes(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A clip with segments of one second each.
pub fn report(clip: &str, classes: &[String], segments: &[&[f64]]) -> ClipReport {
    let named = |values: &[f64]| classes.iter().cloned().zip(values.iter().copied()).collect();
    let segment = |(index, values): (usize, &&[f64])| SegmentPrediction {
        time_s: index as f64 + 0.5,
        probabilities: named(values),
    };
    ClipReport {
        clip: clip.into(),
        emotion: classes[0].clone(),
        probabilities: named(segments.first().copied().unwrap_or_default()),
        timeline: segments.iter().enumerate().map(segment).collect(),
        faces: None,
        warnings: vec![],
    }
}

/// A clip of the odd name and classes with two stretches, the second one of which ends after more than an hour.
pub fn odd() -> (ClipReport, Vec<String>) {
    let classes = classes(&ODD_CLASSES);
    let mut report = report(ODD_FILE, &classes, &[&[0.75, 0.25], &[0.125, 0.875]]);
    report.timeline[0].time_s = 1830.5015;
    report.timeline[1].time_s = 3.0 * 1830.5015;
    (report, classes)
}

/// The text of [`odd`].
pub fn odd_text(form: Form) -> String {
    let (report, classes) = odd();
    form.head(&classes).unwrap() + &form.text(&report, &classes).unwrap()
}

/// The text of a clip of so many segments, all of one class.
pub fn text(form: Form, segments: usize) -> String {
    let classes = classes(&["happy", "sad"]);
    let report = report("/clips/a b.wav", &classes, &vec![[0.75, 0.25].as_slice(); segments]);
    form.head(&classes).unwrap() + &form.text(&report, &classes).unwrap()
}
