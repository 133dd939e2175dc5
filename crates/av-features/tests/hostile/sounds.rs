//! Wav files of every kind, written byte by byte.

use super::{Case, Expected, NO_MEDIA};
use Expected::{Fails, Gives, Warns};

/// The parts of a wav file.
pub struct Wav {
    pub tag: u16,
    pub channels: u16,
    pub rate_hz: u32,
    pub bits: u16,
    /// What follows the first 16 bytes of the format.
    pub more: Vec<u8>,
    /// Chunks before the format, between format and data, and after the data.
    pub before: Vec<u8>,
    pub between: Vec<u8>,
    pub after: Vec<u8>,
    pub data: Vec<u8>,
    /// The length of the data by the header, where it is not the truth.
    pub length: Option<u32>,
}

impl Default for Wav {
    /// A tenth of a second of a tone in 16 bits.
    fn default() -> Self {
        let tone = super::support::sine(440.0, 16_000, 1600);
        Self {
            tag: 1,
            channels: 1,
            rate_hz: 16_000,
            bits: 16,
            more: vec![],
            before: vec![],
            between: vec![],
            after: vec![],
            data: tone.iter().flat_map(|v| ((v * 32_767.0) as i16).to_le_bytes()).collect(),
            length: None,
        }
    }
}

impl Wav {
    pub fn bytes(&self) -> Vec<u8> {
        let align = (u32::from(self.channels) * u32::from(self.bits.div_ceil(8))) as u16;
        self.aligned(align)
    }

    fn aligned(&self, align: u16) -> Vec<u8> {
        let mut format = [self.tag.to_le_bytes(), self.channels.to_le_bytes()].concat();
        format.extend(self.rate_hz.to_le_bytes());
        format.extend(self.rate_hz.wrapping_mul(align.into()).to_le_bytes());
        format.extend([align.to_le_bytes(), self.bits.to_le_bytes()].concat());
        format.extend(&self.more);
        let mut data = chunk(b"data", &self.data);
        if let Some(length) = self.length {
            data[4..8].copy_from_slice(&length.to_le_bytes());
        }
        let chunks = [&self.before, &chunk(b"fmt ", &format), &self.between, &data, &self.after]
            .map(Vec::as_slice)
            .concat();
        let size = (chunks.len() as u32 + 4).to_le_bytes();
        [b"RIFF".as_slice(), &size, b"WAVE", &chunks].concat()
    }
}

pub fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut chunk = [name, (content.len() as u32).to_le_bytes().as_slice(), content].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

/// The end of an extensible format: bits in use, no loudspeakers, integers or floats.
fn extensible(valid: u16, tag: u16) -> Vec<u8> {
    let mut more = [22_u16.to_le_bytes(), valid.to_le_bytes()].concat();
    more.extend([0; 4]);
    more.extend(tag.to_le_bytes());
    more.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    more
}

fn floats(values: impl Iterator<Item = f32>) -> Wav {
    Wav { tag: 3, bits: 32, data: values.flat_map(f32::to_le_bytes).collect(), ..Wav::default() }
}

const TENTH: std::ops::RangeInclusive<usize> = 1600..=1600;

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = [lengths(), headers(), codings(), samples(), chunks()]
        .into_iter()
        .flatten()
        .map(|(name, wav, sound)| (name, wav.bytes(), sound))
        .chain(by_hand())
        .map(|(name, bytes, sound)| {
            Case::new(format!("wav: {name}"), "sound.wav", bytes, sound, Fails("sound.wav"))
        })
        .collect();
    let whole = Wav::default().bytes();
    for (cut, sound) in [
        (0, Fails(NO_MEDIA)),
        (1, Fails(NO_MEDIA)),
        (11, Fails(NO_MEDIA)),
        (12, Fails(NO_MEDIA)),
        (30, Fails(NO_MEDIA)),
        (44, Fails("no decodable sound")),
        (45, Fails("no decodable sound")),
        (47, Warns(1..=1, "truncated: 1 samples instead of 1600")),
        (1044, Warns(500..=500, "truncated: 500 samples")),
    ] {
        let bytes = whole[..cut].to_vec();
        let name = format!("wav: the first {cut} bytes");
        cases.push(Case::new(name, "cut.wav", bytes, sound, Fails("cut.wav")));
    }
    cases
}

type Listed = (&'static str, Wav, Expected);

fn lengths() -> Vec<Listed> {
    vec![
        (
            "data of length 0, as of a recorder without an end",
            Wav { length: Some(0), ..Wav::default() },
            Gives(TENTH),
        ),
        (
            "data of length 2^32 - 1, as through a pipe",
            Wav { length: Some(u32::MAX), ..Wav::default() },
            Gives(TENTH),
        ),
        (
            "data of length 2^32 - 2, a whole number of samples",
            Wav { length: Some(u32::MAX - 1), ..Wav::default() },
            Warns(TENTH, "truncated: 1600 samples instead of 2147483647"),
        ),
        (
            "data shorter than promised",
            Wav { length: Some(9000), ..Wav::default() },
            Warns(TENTH, "truncated"),
        ),
        (
            "data longer than promised",
            Wav { length: Some(1600), ..Wav::default() },
            Gives(800..=800),
        ),
        ("data of an odd length", Wav { length: Some(3199), ..Wav::default() }, Expected::Ends),
    ]
}

fn headers() -> Vec<Listed> {
    let bytes = || Wav { bits: 8, data: vec![128; 1600], ..Wav::default() };
    vec![
        ("no channel", Wav { channels: 0, ..Wav::default() }, Fails("sound.wav")),
        (
            "65535 channels of a byte",
            Wav { channels: 65_535, data: vec![128; 131_070], ..bytes() },
            Fails("a number of channels of 65535, more than 64"),
        ),
        (
            "65535 channels of two bytes",
            Wav { channels: 65_535, ..Wav::default() },
            Fails("sound.wav"),
        ),
        (
            "32 channels",
            Wav { channels: 32, data: vec![0; 64 * 1600], ..Wav::default() },
            Gives(TENTH),
        ),
        ("0 Hz", Wav { rate_hz: 0, ..Wav::default() }, Fails("sound.wav")),
        (
            "1 Hz: the error did not name the file",
            Wav { rate_hz: 1, ..Wav::default() },
            Fails("at 1 Hz"),
        ),
        (
            "4 GHz: the error did not name the file",
            Wav { rate_hz: 4_000_000_000, ..bytes() },
            Fails("at 4000000000 Hz"),
        ),
        ("0 bits", Wav { bits: 0, ..Wav::default() }, Fails("sound.wav")),
        ("3 bits", Wav { bits: 3, ..Wav::default() }, Expected::Ends),
        ("integers of 64 bits", Wav { bits: 64, ..Wav::default() }, Expected::Ends),
        ("an unknown coding", Wav { tag: 0x7777, ..Wav::default() }, Fails("sound.wav")),
        (
            "a format of 65551 bytes",
            Wav { more: vec![0xff; 65_535], ..Wav::default() },
            Expected::Ends,
        ),
    ]
}

fn codings() -> Vec<Listed> {
    let none = vec![0, 0];
    // IMA: blocks of 256 bytes, 505 samples each.
    let ima = Wav {
        tag: 0x11,
        bits: 4,
        more: vec![2, 0, 0xf9, 1],
        data: vec![0; 1024],
        ..Wav::default()
    };
    vec![
        (
            "floats of 64 bits",
            Wav {
                tag: 3,
                bits: 64,
                data: [0.5_f64; 1600].iter().flat_map(|v| v.to_le_bytes()).collect(),
                ..Wav::default()
            },
            Gives(TENTH),
        ),
        (
            "mu-law",
            Wav { tag: 7, bits: 8, more: none.clone(), data: vec![0x80; 1600], ..Wav::default() },
            Gives(TENTH),
        ),
        (
            "A-law",
            Wav { tag: 6, bits: 8, more: none, data: vec![0x80; 1600], ..Wav::default() },
            Gives(TENTH),
        ),
        ("ADPCM with a block of no byte", ima, Expected::Ends),
        (
            "extensible",
            Wav { tag: 0xfffe, more: extensible(16, 1), ..Wav::default() },
            Gives(TENTH),
        ),
        (
            "extensible, 24 bits in 32",
            Wav {
                tag: 0xfffe,
                bits: 32,
                more: extensible(24, 1),
                data: vec![0; 6400],
                ..Wav::default()
            },
            Gives(TENTH),
        ),
        (
            "extensible, 20 bits in 24",
            Wav {
                tag: 0xfffe,
                bits: 24,
                more: extensible(20, 1),
                data: vec![0; 4800],
                ..Wav::default()
            },
            Gives(TENTH),
        ),
        (
            "extensible, 65535 bits in 16",
            Wav { tag: 0xfffe, more: extensible(65_535, 1), ..Wav::default() },
            Gives(TENTH),
        ),
    ]
}

fn samples() -> Vec<Listed> {
    vec![
        (
            "values that are no numbers",
            floats([0.1, f32::NAN].into_iter().cycle().take(1600)),
            Warns(TENTH, "800 samples that are not finite"),
        ),
        (
            "infinite values",
            floats([f32::INFINITY, f32::NEG_INFINITY].into_iter().cycle().take(1600)),
            Warns(TENTH, "1600 samples that are not finite"),
        ),
        (
            "values beyond all measure",
            floats(std::iter::repeat_n(f32::MAX, 1600)),
            Warns(TENTH, "1600 samples that are not finite or beyond 2^32"),
        ),
        (
            "values beyond all measure at another rate, of which the resampler made infinite ones",
            Wav { rate_hz: 8000, ..floats([f32::MAX, -f32::MAX].into_iter().cycle().take(800)) },
            Warns(TENTH, "800 samples that are not finite or beyond 2^32"),
        ),
        (
            "the largest values that are taken, at another rate",
            Wav { rate_hz: 8000, ..floats([4e9, -4e9].into_iter().cycle().take(800)) },
            Gives(TENTH),
        ),
        (
            "values below all measure",
            floats(std::iter::repeat_n(f32::from_bits(1), 1600)),
            Gives(TENTH),
        ),
        ("silence", Wav { data: vec![0; 3200], ..Wav::default() }, Gives(TENTH)),
        (
            "one value all along",
            Wav { data: [0xff, 0x7f].repeat(1600), ..Wav::default() },
            Gives(TENTH),
        ),
        ("one sample", Wav { data: vec![1, 0], ..Wav::default() }, Gives(1..=1)),
        (
            "one sample of another rate",
            Wav { data: vec![1, 0], rate_hz: 44_100, ..Wav::default() },
            Gives(1..=1),
        ),
        (
            "a rate without common factor",
            Wav { rate_hz: 383_993, ..Wav::default() },
            Gives(67..=67),
        ),
    ]
}

fn chunks() -> Vec<Listed> {
    let unending = || [b"JUNK".as_slice(), &u32::MAX.to_le_bytes()].concat();
    vec![
        (
            "a chunk before the format",
            Wav { before: chunk(b"JUNK", &[0; 28]), ..Wav::default() },
            Gives(TENTH),
        ),
        (
            "a chunk of odd length and its padding",
            Wav { between: chunk(b"odd ", &[1; 7]), ..Wav::default() },
            Gives(TENTH),
        ),
        (
            "a chunk that never ends",
            Wav { before: unending(), ..Wav::default() },
            Fails("sound.wav"),
        ),
        (
            "a thousand empty chunks",
            Wav { before: chunk(b"none", &[]).repeat(1000), ..Wav::default() },
            Gives(TENTH),
        ),
        (
            "notes after the data",
            Wav { after: chunk(b"LIST", b"INFOIART\x04\0\0\0abc\0"), ..Wav::default() },
            Gives(TENTH),
        ),
        ("two formats", Wav { before: chunk(b"fmt ", &[0; 16]), ..Wav::default() }, Expected::Ends),
    ]
}

fn by_hand() -> Vec<(&'static str, Vec<u8>, Expected)> {
    let wav = Wav::default();
    let ima = Wav {
        tag: 0x11,
        bits: 4,
        more: vec![2, 0, 0xf9, 1],
        data: vec![0; 1024],
        ..Wav::default()
    };
    let whole = wav.bytes();
    let mut rf64 = whole.clone();
    rf64[..8].copy_from_slice(b"RF64\xff\xff\xff\xff");
    rf64[40..44].fill(0xff);
    let sizes = [3272_u64, 3200, 1600].iter().flat_map(|v| v.to_le_bytes()).chain([0; 4]);
    rf64.splice(12..12, chunk(b"ds64", &sizes.collect::<Vec<u8>>()));
    let mut without = whole.clone();
    without.drain(12..36);
    let mut backwards = whole[..12].to_vec();
    backwards.extend([&whole[36..], &whole[12..36]].concat());
    vec![
        ("ADPCM in blocks of 256 bytes", ima.aligned(256), Gives(2020..=2020)),
        ("RF64", rf64, Gives(TENTH)),
        ("RIFX, numbers from the large end", rifx(), Gives(TENTH)),
        ("no format", without, Fails("sound.wav")),
        ("the format after the data", backwards, Expected::Ends),
        ("a text", b"This is a text and no sound.\n".repeat(100), Fails(NO_MEDIA)),
        (
            "a zip archive",
            [b"PK\x03\x04\x14\0\0\0\x08\0".as_slice(), &[7; 500]].concat(),
            Fails(NO_MEDIA),
        ),
        (
            "an entry of the feature cache",
            [b"avfeat1\n".as_slice(), &[9; 500]].concat(),
            Fails(NO_MEDIA),
        ),
    ]
}

fn rifx() -> Vec<u8> {
    let mut bytes = b"RIFX\0\0\x0c\xa4WAVEfmt \0\0\0\x10\0\x01\0\x01".to_vec();
    bytes.extend([16_000_u32.to_be_bytes(), 32_000_u32.to_be_bytes()].concat());
    bytes.extend(b"\0\x02\0\x10data\0\0\x0c\x80");
    bytes.extend((0..1600_i16).flat_map(i16::to_be_bytes));
    bytes
}
