//! Features that were extracted once are read the next time.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::features::{Extractor, Faces, Features, Values};
use crate::{Error, Limits, Result, files};

/// First bytes of an entry; the digit is the version of the layout.
const MAGIC: &[u8; 8] = b"avfeat1\n";

/// Bytes before the body: magic, length of the body, length of the description, checksum.
const HEADER: usize = 8 + 8 + 8 + blake3::OUT_LEN;

/// Largest entry in bytes: above every configuration, below what exhausts the memory.
const MAX_ENTRY: u64 = 1 << 30;

/// Where cached features came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Read from the cache.
    Hit,
    /// Extracted now; the cache had no entry.
    Computed,
    /// Extracted now because the entry was damaged.
    Rebuilt,
}

/// Features and where they came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Cached {
    /// The features.
    pub features: Features,
    /// Where they came from.
    pub origin: Origin,
}

/// A folder of extracted features.
///
/// An entry is found by the content of the media file and the [fingerprint](Extractor::fingerprint)
/// of the extractor: renamed files are found again, and a changed file, configuration or version is
/// another entry. Every byte of an entry is under a checksum; a damaged one is extracted again and
/// replaced. Entries appear complete or not at all, so that several programs may share a folder.
///
/// # Example
///
/// ```
/// use av_features::{Cache, LogMel, Origin};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("tone.wav");
/// # let spec = hound::WavSpec {
/// #     channels: 1,
/// #     sample_rate: 16_000,
/// #     bits_per_sample: 16,
/// #     sample_format: hound::SampleFormat::Int,
/// # };
/// # let mut writer = hound::WavWriter::create(&path, spec)?;
/// # (0..16_000_i16).try_for_each(|i| writer.write_sample(i))?;
/// # writer.finalize()?;
/// let cache = Cache::open(&folder.path().join("cache"))?;
/// let first = cache.features(&path, &LogMel::default())?;
/// let second = cache.features(&path, &LogMel::default())?;
/// assert_eq!((first.origin, second.origin), (Origin::Computed, Origin::Hit));
/// assert_eq!(first.features, second.features);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Opens a folder of features and creates it where it does not exist. Half-written files that
    /// killed programs left behind are removed; those that a living program is writing are not.
    ///
    /// # Errors
    ///
    /// [`Error::Write`] when the folder cannot be created, [`Error::Read`] when it cannot be listed.
    pub fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)
            .map_err(|source| Error::Write { path: folder.to_owned(), source })?;
        files::clean(folder).map_err(|source| Error::Read { path: folder.to_owned(), source })?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The features of a media file: from the cache, or extracted and stored.
    ///
    /// # Errors
    ///
    /// Those of the extractor, which are not stored; [`Error::Read`] when the file or a present
    /// entry cannot be read; [`Error::Write`] when the entry cannot be stored, on a full disk for
    /// example: then no part of it stays behind.
    pub fn features(&self, media: &Path, extractor: &dyn Extractor) -> Result<Cached> {
        let fingerprint = extractor.fingerprint();
        let path = self.entry(media, &fingerprint)?;
        let origin = match read(&path)? {
            Some(bytes) => match decode(&bytes, &fingerprint) {
                Some(features) => return Ok(Cached { features, origin: Origin::Hit }),
                None => Origin::Rebuilt,
            },
            None => Origin::Computed,
        };
        let features = extractor.extract(media)?;
        files::write(&path, &encode(&features, &fingerprint)?)
            .map_err(|source| Error::Write { path, source })?;
        Ok(Cached { features, origin })
    }

    /// The file of an entry.
    fn entry(&self, media: &Path, fingerprint: &str) -> Result<PathBuf> {
        let mut content = blake3::Hasher::new();
        content
            .update_reader(files::open(media, Limits::default().bytes)?.0)
            .map_err(|source| Error::Read { path: media.to_owned(), source })?;
        let mut key = blake3::Hasher::new();
        key.update(content.finalize().as_bytes()).update(fingerprint.as_bytes());
        Ok(self.folder.join(format!("{}.features", key.finalize().to_hex())))
    }
}

/// The bytes of an entry; `None` where there is none. Of one that is too large nothing is read, which
/// is a damaged entry. A pipe in its place would wait for ever.
fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let fail = |source| Error::Read { path: path.to_owned(), source };
    match path.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Ok(metadata) if metadata.is_file() && metadata.len() > MAX_ENTRY => {
            return Ok(Some(vec![]));
        }
        Ok(_) | Err(_) => {}
    }
    let (file, _) = files::open(path, MAX_ENTRY)?;
    let mut bytes = Vec::new();
    file.take(MAX_ENTRY).read_to_end(&mut bytes).map_err(fail)?;
    Ok(Some(bytes))
}

/// Everything of an entry but its numbers.
#[derive(Serialize, Deserialize)]
struct Description {
    fingerprint: String,
    numbers: Numbers,
    shape: Vec<usize>,
    /// The bits of the times: decimal digits would not come back the same.
    times_bits: Vec<u64>,
    names: Vec<String>,
    faces: Option<Faces>,
    warnings: Vec<String>,
}

/// How numbers are stored.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Numbers {
    F32,
    U8,
}

/// An entry: magic, length of the body, length of the description, checksum of both lengths and
/// the body; the body is the description as JSON and the numbers in little-endian order.
fn encode(features: &Features, fingerprint: &str) -> Result<Vec<u8>> {
    let description = Description {
        fingerprint: fingerprint.to_owned(),
        numbers: match features.values {
            Values::F32(_) => Numbers::F32,
            Values::U8(_) => Numbers::U8,
        },
        shape: features.shape.clone(),
        times_bits: features.times_s.iter().map(|time| time.to_bits()).collect(),
        names: features.names.clone(),
        faces: features.faces,
        warnings: features.warnings.clone(),
    };
    let mut body = serde_json::to_vec(&description)
        .map_err(|error| Error::Internal { what: "writing a cache entry", source: error.into() })?;
    let described = body.len() as u64;
    match &features.values {
        Values::F32(values) => body.extend(values.iter().flat_map(|value| value.to_le_bytes())),
        Values::U8(values) => body.extend_from_slice(values),
    }
    let mut entry = Vec::with_capacity(HEADER + body.len());
    entry.extend_from_slice(MAGIC);
    entry.extend_from_slice(&(body.len() as u64).to_le_bytes());
    entry.extend_from_slice(&described.to_le_bytes());
    let checksum = checksum(&entry[MAGIC.len()..], &body);
    entry.extend_from_slice(checksum.as_bytes());
    entry.extend_from_slice(&body);
    Ok(entry)
}

fn checksum(lengths: &[u8], body: &[u8]) -> blake3::Hash {
    blake3::Hasher::new().update(lengths).update(body).finalize()
}

/// The features of an entry; `None` when anything about it is not as it was written.
fn decode(entry: &[u8], fingerprint: &str) -> Option<Features> {
    let (magic, rest) = entry.split_first_chunk::<8>()?;
    let (lengths, rest) = rest.split_first_chunk::<16>()?;
    let (sum, body) = rest.split_first_chunk::<{ blake3::OUT_LEN }>()?;
    let (length, described) = lengths.split_at(8);
    let length = u64::from_le_bytes(length.try_into().ok()?);
    let described = usize::try_from(u64::from_le_bytes(described.try_into().ok()?)).ok()?;
    if magic != MAGIC
        || body.len() as u64 != length
        || checksum(lengths, body) != blake3::Hash::from_bytes(*sum)
    {
        return None;
    }
    let (description, numbers) = body.split_at_checked(described)?;
    let description: Description = serde_json::from_slice(description).ok()?;
    let count = description.shape.iter().try_fold(1_usize, |count, &n| count.checked_mul(n))?;
    let values = match description.numbers {
        Numbers::U8 => Values::U8(numbers.to_vec()),
        Numbers::F32 => {
            let (values, []) = numbers.as_chunks::<4>() else { return None };
            Values::F32(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
        }
    };
    (description.fingerprint == fingerprint && values.len() == count).then_some(Features {
        shape: description.shape,
        values,
        times_s: description.times_bits.into_iter().map(f64::from_bits).collect(),
        names: description.names,
        faces: description.faces,
        warnings: description.warnings,
    })
}
