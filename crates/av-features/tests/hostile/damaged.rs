//! Files that were cut off, changed here and there, or are nothing behind their first bytes.

use chance::Stream;
use video_rs::ffmpeg::codec::Id;

use super::coded::{self, Film};
use super::sounds::Wav;
use super::{Case, Expected};
use Expected::{Ends, Fails};

/// Numbers that look drawn by chance and are the same in every run.
mod chance {
    /// The generator splitmix64 of Steele, Lea and Flood, 2014.
    pub struct Stream(pub u64);

    impl Iterator for Stream {
        type Item = u64;

        fn next(&mut self) -> Option<u64> {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            Some(mixed ^ (mixed >> 31))
        }
    }
}

pub fn cases() -> Vec<Case> {
    let mut cases = cut();
    cases.extend(flipped("mp4", "flipped.mp4", &coded::clip()));
    cases.extend(flipped("wav", "flipped.wav", &Wav::default().bytes()));
    cases.extend(magic());
    cases
}

/// Whole containers cut off at a tenth, a half and nine tenths.
fn cut() -> Vec<Case> {
    let film = |container, codec| Film { container, codec, ..Film::default() }.bytes();
    let files = [
        ("mp4", Some(coded::clip())),
        ("avi", film("avi", Id::MPEG4)),
        ("mkv", film("matroska", Id::MPEG4)),
        ("flv", film("flv", Id::FLV1)),
        ("mpg", film("mpegts", Id::MPEG2VIDEO)),
    ];
    let cut = files.into_iter().filter_map(|(name, bytes)| Some((name, bytes?))).flat_map(
        |(name, bytes)| {
            [10, 50, 90].map(|percent| {
                let part = bytes[..bytes.len() * percent / 100].to_vec();
                // The index of an mp4 comes last: without it nothing can be read.
                let expected =
                    || if name == "mp4" && percent < 90 { Fails("cut.mp4") } else { Ends };
                let title = format!("{name}: the first {percent} %");
                Case::new(title, format!("cut.{name}"), part, expected(), expected())
            })
        },
    );
    cut.collect()
}

/// Twenty variants, each with three bits turned over.
fn flipped(name: &str, file: &str, bytes: &[u8]) -> Vec<Case> {
    let mut random = Stream(5);
    let mut draw = |below: usize| (random.next().unwrap() % below as u64) as usize;
    let variants = (0..20).map(|index| {
        let mut bytes = bytes.to_vec();
        // Headers are where it hurts: a third each in the first and last hundred bytes and in the index.
        let places = [draw(100), bytes.len() - 1 - draw(1000), draw(bytes.len())];
        for place in places {
            bytes[place] ^= 1 << draw(8);
        }
        Case::new(format!("{name}: flipped bits, variant {index}"), file, bytes, Ends, Ends)
    });
    variants.collect()
}

/// The first bytes of a container, and chance behind them.
fn magic() -> Vec<Case> {
    let starts: [(&str, &[u8]); 14] = [
        ("wav", b"RIFF\x24\x40\0\0WAVEfmt \x10\0\0\0"),
        ("rf64", b"RF64\xff\xff\xff\xffWAVEds64"),
        ("w64", b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0"),
        ("avi", b"RIFF\x24\x40\0\0AVI LIST\x40\0\0\0hdrlavih"),
        ("mp4", b"\0\0\0\x18ftypisom\0\0\x02\0isommp41\0\0\x40\0moov"),
        ("flv", b"FLV\x01\x05\0\0\0\x09\0\0\0\0"),
        ("mkv", b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x88matroska"),
        ("mpg", b"\0\0\x01\xba\x44\0\x04\0\x04\x01"),
        ("wmv", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\0\xaa\0\x62\xce\x6c"),
        ("ogg", b"OggS\0\x02\0\0\0\0\0\0\0\0"),
        ("flac", b"fLaC\0\0\0\x22"),
        ("mp3", b"ID3\x04\0\0\0\0\0\x0a"),
        ("aiff", b"FORM\0\0\x40\0AIFFCOMM"),
        ("au", b".snd\0\0\0\x18\xff\xff\xff\xff\0\0\0\x03"),
    ];
    let mut random = Stream(7);
    let files = starts.into_iter().map(|(name, start)| {
        let mut bytes = start.to_vec();
        bytes.extend(random.by_ref().take(2048).flat_map(u64::to_le_bytes));
        Case::new(
            format!("{name}: chance behind its first bytes"),
            format!("chance.{name}"),
            bytes,
            Ends,
            Ends,
        )
    });
    files.collect()
}
