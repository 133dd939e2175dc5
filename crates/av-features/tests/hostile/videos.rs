//! Films: odd ones that are read, images and lists that are refused, and headers that promise gigabytes.

use video_rs::ffmpeg::codec::Id;
use video_rs::ffmpeg::format::Pixel;

use super::coded::{self, Film};
use super::sounds::chunk;
use super::{Case, Expected, NO_MEDIA};
use Expected::{Ends, Fails, Gives, Warns};

const NO_SOUND: Expected = Fails("has no sound stream");
const TEN: std::ops::RangeInclusive<usize> = 10..=10;

pub fn cases() -> Vec<Case> {
    let mut cases = odd();
    cases.extend(changed());
    cases.extend(images());
    cases.extend(lists());
    cases.extend(bombs());
    cases
}

/// Odd but whole.
fn odd() -> Vec<Case> {
    let film = Film::default;
    let mp4 = || Film { container: "mp4", ..Film::default() };
    let films = [
        ("one pixel", Film { width: 1, height: 1, ..film() }, Gives(TEN)),
        ("odd sides", Film { width: 33, height: 17, ..film() }, Gives(TEN)),
        ("one row", Film { width: 640, height: 1, ..film() }, Gives(TEN)),
        ("no frame", Film { times: vec![], ..mp4() }, Fails("film.mp4")),
        ("no frame, avi", Film { times: vec![], ..film() }, Fails("film.mp4")),
        ("one frame", Film { times: vec![0], ..mp4() }, Gives(1..=1)),
        (
            "uneven times",
            Film { times: vec![0, 1, 5, 6, 20, 21, 22, 50, 51, 52], ..mp4() },
            Gives(TEN),
        ),
        ("a gap of a day", Film { times: vec![0, 1, 2_160_000], ..mp4() }, Gives(3..=3)),
        (
            "times below zero",
            Film {
                times: (-5..5).collect(),
                options: &[("avoid_negative_ts", "disabled")],
                ..mp4()
            },
            Ends,
        ),
        ("a late start", Film { times: (1000..1010).collect(), ..mp4() }, Gives(TEN)),
        ("B frames", Film { b_frames: 2, ..mp4() }, Gives(TEN)),
        ("B frames, avi", Film { b_frames: 2, ..film() }, Gives(TEN)),
        (
            "fragments",
            Film { options: &[("movflags", "frag_keyframe+empty_moov")], ..mp4() },
            Gives(TEN),
        ),
        ("flv", Film { container: "flv", codec: Id::FLV1, ..film() }, Gives(TEN)),
        ("mkv", Film { container: "matroska", ..film() }, Gives(TEN)),
        ("motion JPEG", Film { codec: Id::MJPEG, pixel: Pixel::YUVJ420P, ..film() }, Gives(TEN)),
        (
            "lossless of 16 bits",
            Film { codec: Id::FFV1, pixel: Pixel::YUV420P10LE, ..film() },
            Gives(TEN),
        ),
        ("uncompressed", Film { codec: Id::RAWVIDEO, pixel: Pixel::YUV420P, ..film() }, Gives(TEN)),
        ("PNG inside", Film { codec: Id::PNG, pixel: Pixel::RGB24, ..film() }, Fails("film.mp4")),
    ];
    let made = films.into_iter().filter_map(|(name, film, frames)| {
        Some(Case::new(format!("film: {name}"), "film.mp4", film.bytes()?, NO_SOUND, frames))
    });
    made.collect()
}

/// Whole files in which something was replaced.
fn changed() -> Vec<Case> {
    let clip = coded::clip();
    let mut cases = vec![];
    let mut add = |name: &str, bytes, sound, frames| {
        cases.push(Case::new(format!("film: {name}"), "film.mp4", bytes, sound, frames));
    };
    let sound = || Gives(6400..=6400);
    add("turned by 90 degrees", turned(&clip, [0, 1 << 16, -1 << 16, 0]), sound(), Gives(TEN));
    let slanted = turned(&clip, [46_341, 46_341, -46_341, 46_341]);
    add("turned by 45 degrees", slanted, sound(), Warns(TEN, "no multiple of 90 degrees"));
    add("a turn that is none", turned(&clip, [0; 4]), sound(), Ends);
    add("no index", clip[..find(&clip, b"moov") - 4].to_vec(), Fails(NO_MEDIA), Fails(NO_MEDIA));
    let mut lost = clip.clone();
    let index = find(&lost, b"moov");
    lost[index..index + 4].copy_from_slice(b"free");
    add(
        "the index in what is called free space, where FFmpeg looks too",
        lost,
        sound(),
        Gives(TEN),
    );
    if let Some(avi) = Film::default().bytes() {
        let mut broken = avi.clone();
        let index = find(&broken, b"idx1") + 8;
        broken[index..].fill(0xff);
        add("avi with a broken index", broken, NO_SOUND, Ends);
        add("avi without its index", avi[..find(&avi, b"idx1")].to_vec(), NO_SOUND, Gives(TEN));
    }
    let part =
        |width| Film { container: "mpegts", codec: Id::MPEG2VIDEO, width, ..Film::default() };
    if let (Some(small), Some(large)) = (part(96).bytes(), part(320).bytes()) {
        add("another size in the middle", [small, large].concat(), NO_SOUND, Gives(18..=20));
    }
    cases
}

/// The place of a name in a file.
fn find(bytes: &[u8], name: &[u8]) -> usize {
    bytes.windows(name.len()).position(|window| window == name).unwrap()
}

/// Puts a turn into the display matrix of the first track: after name, version, times, number, duration and volume.
fn turned(clip: &[u8], [a, b, c, d]: [i32; 4]) -> Vec<u8> {
    let mut clip = clip.to_vec();
    let matrix = find(&clip, b"tkhd") + 4 + 40;
    for (index, value) in [a, b, 0, c, d].into_iter().enumerate() {
        clip[matrix + 4 * index..][..4].copy_from_slice(&value.to_be_bytes());
    }
    clip
}

/// Images are no films, whatever their name.
fn images() -> Vec<Case> {
    let refused = |name: &str, bytes| {
        Case::new(format!("image: {name}"), "image.mp4", bytes, Fails(NO_MEDIA), Fails(NO_MEDIA))
    };
    let size = [30_000_u32.to_be_bytes(), 30_000_u32.to_be_bytes()].concat();
    let bomb = [b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".as_slice(), &size, &[8, 2, 0, 0, 0], &[0; 4000]]
        .concat();
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='99999' height='99999'><rect/></svg>";
    let mut cases = vec![refused("PNG of 30000 x 30000", bomb), refused("SVG", svg.to_vec())];
    for (name, container, codec, pixel) in [
        ("GIF", "gif", Id::GIF, Pixel::PAL8),
        ("APNG", "apng", Id::APNG, Pixel::RGB24),
        ("PNG", "image2pipe", Id::PNG, Pixel::RGB24),
        ("JPEG", "image2pipe", Id::MJPEG, Pixel::YUVJ420P),
    ] {
        let film = Film { container, codec, pixel, times: vec![0, 1], ..Film::default() };
        cases.extend(film.bytes().map(|bytes| refused(name, bytes)));
    }
    cases
}

/// Lists name other files, which must not be opened.
fn lists() -> Vec<Case> {
    [
        ("m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\n/etc/passwd\n"),
        ("m3u8 by network", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\nhttp://localhost:9/x.ts\n"),
        ("concat", "ffconcat version 1.0\nfile /etc/passwd\n"),
        ("sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n"),
        ("dash", "<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011' type='static'></MPD>"),
        ("asx", "<asx version='3.0'><entry><ref href='/etc/passwd'/></entry></asx>"),
    ]
    .into_iter()
    .map(|(name, text)| {
        let name = format!("list: {name}");
        Case::new(name, "list.mp4", text.into(), Fails(NO_MEDIA), Fails(NO_MEDIA))
    })
    .collect()
}

/// Small files that promise much.
fn bombs() -> Vec<Case> {
    let mut cases = vec![];
    let mut add = |name: &str, bytes, sound, frames| {
        cases.push(Case::new(format!("bomb: {name}"), "bomb.avi", bytes, sound, frames));
    };
    let raw = Film { codec: Id::RAWVIDEO, times: vec![0], ..Film::default() };
    if let Some(bytes) = raw.bytes() {
        add(
            "uncompressed, 30000 x 30000 by the header",
            resized(&bytes, 30_000),
            NO_SOUND,
            Fails("no decodable frame"),
        );
    }
    let jpeg = jpeg(16_000);
    add("one JPEG of 16000 x 16000", avi(b"MJPG", 64, &jpeg), NO_SOUND, Fails("bomb.avi"));
    // 35 minutes of silence are 100 million samples from a few hundred kilobytes.
    if let Some(bytes) = coded::flac(100_000_000) {
        let name = "silence as FLAC, of which every sample was kept";
        add(name, bytes, Fails("in samples a byte of the file"), Fails("has no video stream"));
    }
    cases
}

/// An avi whose pictures have other sides by the header of the stream.
fn resized(avi: &[u8], side: u32) -> Vec<u8> {
    let mut avi = avi.to_vec();
    let format = find(&avi, b"strf") + 8;
    avi[format + 4..][..4].copy_from_slice(&side.to_le_bytes());
    avi[format + 8..][..4].copy_from_slice(&side.to_le_bytes());
    avi
}

/// An avi of one picture.
fn avi(codec: &[u8; 4], side: u32, picture: &[u8]) -> Vec<u8> {
    let words =
        |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let main = words(&[40_000, 0, 0, 0x10, 1, 0, 1, 0, side, side, 0, 0, 0, 0]);
    let mut stream = [b"vids".as_slice(), codec].concat();
    stream.extend(words(&[0, 0, 0, 1, 25, 0, 1, 0, u32::MAX, 0, 0, 0]));
    let mut format = words(&[40, side, side]);
    format.extend([1, 0, 24, 0]);
    format.extend(codec);
    format.extend(words(&[0; 5]));
    let list = |name: &[u8; 4], content: &[Vec<u8>]| {
        chunk(b"LIST", &[name.as_slice(), &content.concat()].concat())
    };
    let streams = list(b"strl", &[chunk(b"strh", &stream), chunk(b"strf", &format)]);
    let header = list(b"hdrl", &[chunk(b"avih", &main), streams]);
    let data = list(b"movi", &[chunk(b"00dc", picture)]);
    chunk(b"RIFF", &[b"AVI ".as_slice(), &header, &data].concat())
}

/// A grey JPEG picture: each block of 8 x 8 pixels is the two codes "no difference" (0) and "nothing more" (0).
fn jpeg(side: u16) -> Vec<u8> {
    let segment = |marker: u8, content: &[u8]| {
        let length = (content.len() as u16 + 2).to_be_bytes();
        [&[0xff, marker], length.as_slice(), content].concat()
    };
    let side_bytes = side.to_be_bytes();
    let frame = [&[8], side_bytes.as_slice(), &side_bytes, &[1, 1, 0x11, 0]].concat();
    // One code of one bit in each table of codes.
    let table = |class: u8| [&[class, 1], [0; 15].as_slice(), &[0]].concat();
    let blocks = (usize::from(side) / 8).pow(2);
    [
        vec![0xff, 0xd8],
        segment(0xdb, &[&[0], [1_u8; 64].as_slice()].concat()),
        segment(0xc0, &frame),
        segment(0xc4, &table(0)),
        segment(0xc4, &table(0x10)),
        segment(0xda, &[1, 1, 0, 0, 63, 0]),
        vec![0; blocks / 4],
        vec![0xff, 0xd9],
    ]
    .concat()
}
