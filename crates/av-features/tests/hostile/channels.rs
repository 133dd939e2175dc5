//! Compressed sound of several channels and of several rates.

use av_features::read_sound;

use super::{coded, support};

#[test]
fn channels_side_by_side_are_averaged() {
    let folder = tempfile::tempdir().unwrap();
    for channels in [1, 2] {
        let Some(bytes) = coded::aac("mp4", 16_000, channels, 2) else { return };
        let path = folder.path().join(format!("{channels}.mp4"));
        support::write(&path, &bytes);
        let samples = read_sound(&path, 16_000).unwrap().samples;
        let middle = &samples[samples.len() / 4..samples.len() * 3 / 4];
        let power = middle.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / middle.len() as f64;
        // The mean of a sine of 0.5 and of silence; the codec is off by a per cent or two.
        let truth = 0.5 / channels as f64 / 2_f64.sqrt();
        assert!((power.sqrt() / truth - 1.0).abs() < 0.05, "{channels}: {}", power.sqrt());
    }
}

#[test]
fn sound_of_another_rate_behind_is_left_out_and_told() {
    let parts = [16_000, 48_000].map(|rate_hz| coded::aac("adts", rate_hz, 1, 1));
    let [Some(first), Some(second)] = parts else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two.aac");
    support::write(&path, &[first, second].concat());
    let sound = read_sound(&path, 16_000).unwrap();
    // A second of the first; a frame of a codec more or less.
    assert!((14_000..18_500).contains(&sound.samples.len()), "{}", sound.samples.len());
    let told = |warning: &String| {
        warning.ends_with("frames of another sample rate or coding were left out")
    };
    assert!(sound.warnings.iter().any(told), "{:?}", sound.warnings);
}
