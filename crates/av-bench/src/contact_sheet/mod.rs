//! A picture of some clips with the boxes of the face tracker, to be looked at: does each box cover its face?

mod canvas;
mod letters;

use crate::failure::{Failure, Result};
use av_datasets::{Clip, Dataset, Modality, Source};
use av_features::{FaceTracking, Frame, Frames, Sighting};
use av_train::{Experiment, Shard};
use canvas::Canvas;
use std::path::Path;

/// Frames shown of each clip, evenly spread over it.
const FRAMES: usize = 6;

/// Height of a frame on the sheet, and the widest that it may become, in pixels.
const HEIGHT: usize = 150;
const WIDEST: usize = 300;

/// Height of a line of text with its margin.
const LINE: usize = 14;

/// What the colours say, on the first line.
const LEGEND: [(&str, Sighting); 4] = [
    ("found", Sighting::Found),
    ("between two detections", Sighting::Interpolated),
    ("last or next detection", Sighting::Held),
    ("no face in the clip", Sighting::Missing),
];

fn colour(sighting: Sighting) -> [u8; 3] {
    match sighting {
        Sighting::Found => [60, 230, 60],
        Sighting::Interpolated => [250, 220, 0],
        Sighting::Held => [250, 130, 0],
        Sighting::Missing => [250, 40, 40],
    }
}

/// How faces are tracked in an experiment.
fn tracker(experiment: &Experiment) -> Result<FaceTracking> {
    let extractors = experiment.inputs.iter().filter_map(|(_, input)| input.as_ref()?.extractor());
    extractors.into_iter().find_map(|extractor| extractor.tracker()).ok_or_else(|| {
        let message = "nothing in this experiment looks for faces: there are none to draw; leave out --contact-sheet";
        Failure::Input(message.into())
    })
}

/// One clip on the sheet: its caption and its frames side by side.
struct Strip {
    caption: String,
    frames: Vec<Frame>,
}

/// Writes a sheet of up to `count` clips of a shard, evenly spread over it, and gives their number.
pub fn write(
    path: &Path,
    dataset: &Dataset,
    experiment: &Experiment,
    shard: Shard,
    count: usize,
) -> Result<usize> {
    if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png")) {
        let path = path.display();
        return Err(Failure::Input(format!("{path}: a contact sheet is a file .png")));
    }
    let tracker = tracker(experiment)?;
    let clips = spread(dataset.clips.iter().filter(|clip| shard.holds(&clip.id)), count);
    if clips.is_empty() {
        let message = "no clip has a media file with a picture: leave out --contact-sheet";
        return Err(Failure::Input(message.into()));
    }
    let strips = strips(&clips, &tracker)?;
    av_features::write_png(path, &sheet(&strips).into_frame())?;
    Ok(strips.len())
}

/// Clips with a picture, with its file: up to `count`, evenly spread.
fn spread<'a>(clips: impl Iterator<Item = &'a Clip>, count: usize) -> Vec<(&'a str, &'a Path)> {
    let seen: Vec<_> = clips
        .filter_map(|clip| match &clip.sources[Modality::Video] {
            Some(Source::Media(path)) => Some((clip.id.as_str(), path.as_path())),
            Some(Source::Row { .. }) | None => None,
        })
        .collect();
    let count = count.min(seen.len());
    (0..count).map(|i| seen[(2 * i + 1) * seen.len() / (2 * count)]).collect()
}

/// The strips of clips, in their order, made by all cores.
fn strips(clips: &[(&str, &Path)], tracker: &FaceTracking) -> Result<Vec<Strip>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let per_core = clips.len().div_ceil(cores).max(1);
        let work = |part: &[(&str, &Path)]| -> Vec<Strip> {
            part.iter().map(|(name, path)| strip(name, path, tracker)).collect()
        };
        let threads: Vec<_> =
            clips.chunks(per_core).map(|part| scope.spawn(move || work(part))).collect();
        let mut strips = vec![];
        for thread in threads {
            let broken = |_| Failure::Internal("a thread that draws a contact sheet broke".into());
            strips.append(&mut thread.join().map_err(broken)?);
        }
        Ok(strips)
    })
}

/// A clip that cannot be read has no frames, and says why.
fn strip(name: &str, path: &Path, tracker: &FaceTracking) -> Strip {
    match draw(name, path, tracker) {
        Ok(strip) => strip,
        Err(error) => Strip { caption: format!("{name}: {}", error.kind()), frames: vec![] },
    }
}

fn draw(name: &str, path: &Path, tracker: &FaceTracking) -> av_features::Result<Strip> {
    let track = tracker.track(path)?;
    let count = track.times_s().len();
    let mut shown = (0..FRAMES.min(count)).map(|i| (2 * i + 1) * count / (2 * FRAMES.min(count)));
    let mut next = shown.next();
    let mut frames = Frames::open(path)?;
    let mut strip = vec![];
    let mut number = 0;
    while frames.advance()?.is_some() {
        if next == Some(number) {
            let frame = frames.image()?;
            let square = track.square(&frame, tracker.margin);
            let scale =
                (HEIGHT as f64 / frame.height as f64).min(WIDEST as f64 / frame.width as f64);
            let side = |length: usize| ((length as f64 * scale).round() as usize).max(1);
            let small = frame.scaled(side(frame.width), side(frame.height))?;
            let mut canvas = Canvas::from(small);
            let [left, top, side] =
                [square.left, square.top, square.side].map(|v| (v * scale).round() as usize);
            canvas.frame([left, top], side, colour(track.sighting(frame.time_s)));
            strip.push(canvas.into_frame());
            next = shown.next();
        }
        number += 1;
    }
    let faces = track.faces();
    let caption = format!("{name}: found in {} of {} frames", faces.found, faces.frames);
    Ok(Strip { caption, frames: strip })
}

/// All strips below each other, under the legend.
fn sheet(strips: &[Strip]) -> Canvas {
    let legend: usize = LEGEND.iter().map(|(text, _)| letters::width(text) + LINE).sum();
    let width = |strip: &Strip| {
        let frames: usize = strip.frames.iter().map(|frame| frame.width + 2).sum();
        frames.max(letters::width(&strip.caption))
    };
    let height =
        |strip: &Strip| LINE + strip.frames.iter().map(|frame| frame.height + 2).max().unwrap_or(0);
    let widest = strips.iter().map(width).max().unwrap_or(0).max(legend);
    let mut canvas = Canvas::new(widest, LINE + strips.iter().map(height).sum::<usize>());
    let mut x = 0;
    for (text, sighting) in LEGEND {
        canvas.text([x, 3], text, colour(sighting));
        x += letters::width(text) + LINE;
    }
    let mut y = LINE;
    for strip in strips {
        canvas.text([0, y + 3], &strip.caption, [255; 3]);
        let mut x = 0;
        for frame in &strip.frames {
            canvas.paste([x, y + LINE], frame);
            x += frame.width + 2;
        }
        y += height(strip);
    }
    canvas
}

#[cfg(test)]
mod tests {
    use super::*;
    use av_datasets::Modalities;
    use av_features::{ClipFormat, Follow, write_clip};

    #[test]
    fn clips_are_spread_evenly_and_those_without_a_picture_left_out() {
        let clip = |i: usize| Clip {
            id: i.to_string(),
            subject: String::new(),
            emotion: None,
            fold: None,
            turn: None,
            affect: vec![],
            sources: Modalities::from_fn(|modality| {
                let seen = modality == Modality::Video && !i.is_multiple_of(2);
                seen.then(|| Source::Media("clip.mp4".into()))
            }),
        };
        let clips: Vec<Clip> = (0..20).map(clip).collect();
        let names = |count| -> Vec<&str> {
            spread(clips.iter(), count).into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(1), ["11"]);
        assert_eq!(names(3), ["3", "11", "17"]);
        assert_eq!(names(99).len(), 10);
        assert!(spread(clips[..1].iter(), 3).is_empty());
    }

    /// The strip of a clip without a face, of 24 frames that get brighter.
    fn drawn(width: u32, height: u32, margin: f64) -> Strip {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.mp4");
        let format = ClipFormat { width, height, fps: 24, sample_rate_hz: 16_000 };
        let picture = |frame: usize| {
            // The left column of blocks is darker: a blank picture is not looked at.
            let level = |i: usize| if i as u32 % width < 8 { 0 } else { 60 + 7 * frame as u8 };
            (0..(width * height) as usize).flat_map(|i| [level(i); 3]).collect()
        };
        write_clip(&path, &format, (0..24).map(picture), &[]).unwrap();
        let follow = Follow::Largest;
        draw("clip", &path, &FaceTracking { detector: None, every: 5, margin, follow }).unwrap()
    }

    fn pixel(frame: &Frame, x: usize, y: usize) -> [i32; 3] {
        let at = 3 * (y * frame.width + x);
        std::array::from_fn(|colour| i32::from(frame.rgb[at + colour]))
    }

    #[test]
    fn frames_are_spread_over_the_clip_and_their_box_is_that_of_the_tracker() {
        let red = [250, 40, 40];
        let strip = drawn(100, 100, 0.5);
        assert_eq!(strip.caption, "clip: found in 0 of 5 frames");
        assert_eq!(strip.frames.len(), FRAMES);
        for (frame, number) in strip.frames.iter().zip([2, 6, 10, 14, 18, 22]) {
            assert_eq!([frame.width, frame.height], [150, 150]);
            // What is written as light comes back within a few levels.
            let [light, ..] = pixel(frame, 75, 75);
            assert!((light - (60 + 7 * number)).abs() < 10, "{light} in frame {number}");
            // Half of the side, in the middle: from 25 to 75 of 100 pixels, 1.5 times as large.
            for [x, y] in [[38, 38], [112, 38], [38, 112], [112, 112]] {
                assert_eq!(pixel(frame, x, y), red, "{x}, {y}");
            }
            for [x, y] in [[37, 75], [113, 75], [75, 37], [75, 113], [40, 75]] {
                assert_ne!(pixel(frame, x, y), red, "{x}, {y}");
            }
        }
        let wide = drawn(640, 80, 1.0);
        assert_eq!([wide.frames[0].width, wide.frames[0].height], [WIDEST, 38]);
        // From 280 of 640 pixels, which are 300 on the sheet.
        assert_eq!([131, 0].map(|x| pixel(&wide.frames[0], x, 19) == red), [true, false]);
    }

    #[test]
    fn each_kind_of_sighting_has_a_colour_of_its_own_and_is_in_the_legend() {
        for (i, (_, sighting)) in LEGEND.iter().enumerate() {
            for (_, other) in &LEGEND[..i] {
                assert!(sighting != other && colour(*sighting) != colour(*other), "{sighting:?}");
            }
        }
        let sheet = sheet(&[]).into_frame();
        for (text, sighting) in LEGEND {
            let colour = colour(sighting);
            assert!(sheet.rgb.as_chunks::<3>().0.contains(&colour), "{text}");
        }
    }

    #[test]
    fn a_sheet_holds_every_strip_and_a_clip_that_cannot_be_read_its_reason() {
        let follow = Follow::Largest;
        let tracker = FaceTracking { detector: None, every: 5, margin: 1.0, follow };
        let bad = strip("gone", Path::new("/nowhere/gone.mp4"), &tracker);
        assert_eq!(bad.caption, "gone: cannot be read");
        let frame = Frame { rgb: vec![9; 3 * 40 * 30], width: 40, height: 30, time_s: 0.0 };
        let last = Frame { rgb: vec![7; 3 * 20 * 10], width: 20, height: 10, time_s: 0.0 };
        let good = Strip { caption: "good".into(), frames: vec![frame.clone(), frame] };
        let last = Strip { caption: "last".into(), frames: vec![last] };
        let sheet = sheet(&[bad, good, last]).into_frame();
        assert_eq!(sheet.height, LINE + LINE + LINE + 32 + LINE + 12);
        let pixel = |x: usize, y: usize| sheet.rgb[3 * (y * sheet.width + x)];
        let top = 3 * LINE;
        assert_eq!([pixel(0, top), pixel(39, top), pixel(41, top), pixel(42, top)], [9, 9, 0, 9]);
        assert_eq!([pixel(0, top + 29), pixel(0, top + 30), pixel(82, top)], [9, 0, 0]);
        let below = top + 32 + LINE;
        assert_eq!([pixel(0, below), pixel(19, below + 9), pixel(0, below + 10)], [7, 7, 0]);
        // The caption of the first strip is there: white pixels.
        assert!((LINE..2 * LINE).any(|y| (0..60).any(|x| pixel(x, y) == 255)));
    }
}
