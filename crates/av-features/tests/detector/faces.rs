//! What is found in clips, and how it is cut out.

use std::path::{Path, PathBuf};

use av_features::{
    Cache, ClipFormat, Extractor, FaceCrops, FaceDetector, FaceHog, FaceMotion, FaceTrack,
    Features, Follow, Frame, Origin, Sighting, Square, Values, write_clip,
};

use crate::detector;
use crate::network::Network;

/// Half a second of a still picture.
fn clip(
    folder: &Path,
    [width, height]: [usize; 2],
    colour: impl Fn([f64; 2]) -> [u8; 3],
) -> PathBuf {
    let path = folder.join("clip.mp4");
    let format =
        ClipFormat { width: width as u32, height: height as u32, fps: 20, sample_rate_hz: 16_000 };
    let pixel = |i: usize| colour([(i % width) as f64 + 0.5, (i / width) as f64 + 0.5]);
    let picture: Vec<u8> = (0..width * height).flat_map(pixel).collect();
    write_clip(&path, &format, std::iter::repeat_n(picture, 10), &[0.0; 8000]).unwrap();
    path
}

/// A black picture with a square of a colour around a place.
fn spot(middle: [f64; 2], side: f64, colour: [u8; 3]) -> impl Fn([f64; 2]) -> [u8; 3] {
    move |[x, y]| {
        let apart = (x - middle[0]).abs().max((y - middle[1]).abs());
        if apart < side / 2.0 { colour } else { [0; 3] }
    }
}

/// Blue enough for the network, and bright enough for the frame not to be blank.
const BLUE: [u8; 3] = [0, 60, 255];

fn track(detector: &FaceDetector, clip: &Path) -> FaceTrack {
    FaceTrack::found_by(Some(detector), clip, 5, Follow::Largest).unwrap()
}

fn square(track: &FaceTrack, [width, height]: [usize; 2]) -> Square {
    track.square(&Frame { rgb: vec![], width, height, time_s: 0.2 }, 1.0)
}

fn is_near(found: Square, truth: [f64; 3], tolerance: f64) {
    let apart = [found.left - truth[0], found.top - truth[1], found.side - truth[2]];
    assert!(apart.iter().all(|it| it.abs() < tolerance), "{found:?} instead of {truth:?}");
}

#[test]
fn a_face_is_found_where_the_network_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let detector = detector(folder.path(), &Network::default());
    // The network sees half of each side: column 3, row 2 of its cells of 8 pixels, boxes of 24.
    let blue = track(&detector, &clip(folder.path(), [128, 96], spot([56.0, 40.0], 16.0, BLUE)));
    assert_eq!((blue.faces().frames, blue.faces().found), (2, 2));
    is_near(square(&blue, [128, 96]), [32.0, 16.0, 48.0], 1e-3);
    let red = spot([56.0, 40.0], 16.0, [255, 60, 0]);
    let red = track(&detector, &clip(folder.path(), [128, 96], red));
    assert_eq!((red.faces().frames, red.faces().found), (2, 0));
    assert_eq!(red.sighting(0.2), Sighting::Missing);
    // A fade is no picture.
    let grey = track(&detector, &clip(folder.path(), [128, 96], |_| [40; 3]));
    assert_eq!(grey.faces().frames, 0);
}

#[test]
fn an_input_may_be_wider_than_high_or_of_open_sides() {
    let folder = tempfile::tempdir().unwrap();
    let size = [128, 96];
    let wide = Network { input: (1, [1, 3, 64, 96].map(Some).to_vec()), ..Network::default() };
    // Two thirds of each side: the cell in column 4, row 3 is 12 pixels wide and the box 36.
    let path = clip(folder.path(), size, spot([54.0, 42.0], 12.0, BLUE));
    let found = square(&track(&detector(folder.path(), &wide), &path), size);
    is_near(found, [36.0, 24.0, 36.0], 0.5);
    // Five times each side of 640: boxes of 24 pixels are of 4.8, inside of the blue square.
    let open = Network { input: (1, vec![None, Some(3), None, None]), ..Network::default() };
    let found = square(&track(&detector(folder.path(), &open), &path), size);
    assert!((found.side - 4.8).abs() < 1e-3, "{found:?}");
    assert!((found.left + 2.4 - 54.0).abs() < 6.5 && (found.top + 2.4 - 42.0).abs() < 6.5);
}

#[test]
fn faces_below_the_least_score_are_none() {
    let folder = tempfile::tempdir().unwrap();
    // The square root of a cls of 1 and an obj of 0.64.
    let detector = detector(folder.path(), &Network { obj: 0.64, ..Network::default() });
    let path = clip(folder.path(), [128, 96], spot([56.0, 40.0], 16.0, BLUE));
    for (score, found) in [(0.79, 2), (0.81, 0)] {
        let faces = track(&detector.clone().with_score(score), &path).faces();
        assert_eq!((faces.frames, faces.found), (2, found), "{score}");
    }
}

fn picture(features: &Features) -> &[u8] {
    match &features.values {
        Values::U8(values) => values,
        Values::F32(_) => panic!("pixels are bytes"),
    }
}

/// The middles of the landmarks of an upright face of 112 pixels.
const TEMPLATE: [[f64; 2]; 5] = [
    [38.2946, 51.6963],
    [73.5318, 51.5014],
    [56.0252, 71.7366],
    [41.5493, 92.3655],
    [70.7299, 92.2041],
];

#[test]
fn a_tilted_face_is_cut_out_upright() {
    let folder = tempfile::tempdir().unwrap();
    let (middle, (sin, cos)) = ([112.0, 80.0], 30.0_f64.to_radians().sin_cos());
    // The network sees a quarter of each side, and its cell is column 3, row 2. The face is 56 pixels wide.
    let landmarks = TEMPLATE.map(|[x, y]| {
        let [x, y] = [(x - 56.0) / 2.0, (y - 56.0) / 2.0];
        let place = [middle[0] + cos * x - sin * y, middle[1] + sin * x + cos * y];
        [place[0] / 32.0 - 3.0, place[1] / 32.0 - 2.0].map(|it| it as f32)
    });
    let landmarks = landmarks.as_flattened().try_into().unwrap();
    let detector = detector(folder.path(), &Network { landmarks, ..Network::default() });
    // Red grows to the right of the face, green to its chin; in its middle is what the network looks for.
    let colours =
        |x: f64, y: f64| [128.0 + 0.8 * x, 128.0 + 0.8 * y].map(|it| it.clamp(0.0, 255.0));
    let path = clip(folder.path(), [256, 192], |[x, y]| {
        let [x, y] = [x - middle[0], y - middle[1]];
        let [red, green] = colours(cos * x + sin * y, cos * y - sin * x).map(|it| it as u8);
        [red, green, if x.abs().max(y.abs()) < 16.0 { 255 } else { 0 }]
    });
    for margin in [1.0, 1.25] {
        let crops = FaceCrops {
            segments: 1,
            size: 32,
            margin,
            detector: Some(detector.clone()),
            align: true,
            ..FaceCrops::default()
        };
        let features = crops.extract(&path).unwrap();
        assert_eq!(features.faces.unwrap().found, 2);
        let pixels = picture(&features);
        // The blue square ends before the outermost pixels.
        let outer = (0..1024).filter(|i| [i % 32, i / 32].iter().any(|it| [1, 30].contains(it)));
        for i in outer {
            let offset = |i: usize| ((i as f64 + 0.5) / 32.0 - 0.5) * 56.0 * margin;
            let truth = colours(offset(i % 32), offset(i / 32));
            let apart = [0, 1].map(|it| (f64::from(pixels[1024 * it + i]) - truth[it]).abs());
            assert!(apart.iter().all(|&it| it < 8.0), "{margin}, {i}: {apart:?}");
        }
        let blue = f64::from(pixels[2048 + 16 * 32 + 16]);
        assert!(blue > 200.0, "{blue}");
        // Without alignment the square of the box is seen.
        let square = FaceCrops { align: false, ..crops }.extract(&path).unwrap();
        assert_ne!(picture(&square), pixels);
    }
}

#[test]
fn without_a_face_an_aligned_picture_is_the_middle() {
    let folder = tempfile::tempdir().unwrap();
    let path = clip(folder.path(), [128, 96], |[x, y]| [x as u8, 2 * y as u8, 0]);
    let aligned = FaceCrops {
        detector: Some(detector(folder.path(), &Network::default())),
        align: true,
        ..FaceCrops::default()
    };
    let features = aligned.extract(&path).unwrap();
    assert_eq!(features.warnings.len(), 1, "{:?}", features.warnings);
    assert_eq!(picture(&features), picture(&FaceCrops::default().extract(&path).unwrap()));
}

#[test]
fn statistics_of_the_face_take_the_detector_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = clip(folder.path(), [128, 96], spot([56.0, 40.0], 16.0, BLUE));
    let detector = Some(detector(folder.path(), &Network::default()));
    let found = |features: av_features::Result<Features>| features.unwrap().faces.unwrap().found;
    assert_eq!(
        found(FaceHog { detector: detector.clone(), ..FaceHog::default() }.extract(&path)),
        2
    );
    assert_eq!(found(FaceMotion { detector, ..FaceMotion::default() }.extract(&path)), 2);
    assert_eq!(found(FaceHog::default().extract(&path)), 0);
}

#[test]
fn another_model_under_the_same_name_is_another_entry() {
    let folder = tempfile::tempdir().unwrap();
    let path = clip(folder.path(), [128, 96], spot([56.0, 40.0], 16.0, BLUE));
    let cache = Cache::open(&folder.path().join("cache")).unwrap();
    let ask = |network: &Network| {
        let detector = Some(detector(folder.path(), network));
        let hog = FaceHog { detector, ..FaceHog::default() };
        let cached = cache.features(&path, &hog).unwrap();
        (cached.origin, cached.features.faces.unwrap().found)
    };
    let doubtful = Network { obj: 0.1, ..Network::default() };
    assert_eq!(ask(&Network::default()), (Origin::Computed, 2));
    assert_eq!(ask(&doubtful), (Origin::Computed, 0));
    assert_eq!(ask(&Network::default()), (Origin::Hit, 2));
}
