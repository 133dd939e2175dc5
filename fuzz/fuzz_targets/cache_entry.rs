//! Entries of the feature cache: any bytes are what was stored, or are replaced by what is extracted.
#![no_main]

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use av_features::{Cache, Extractor, Features, Origin, Result, Values};
use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use tempfile::TempDir;

#[derive(Serialize)]
struct Fixed;

impl Extractor for Fixed {
    fn name(&self) -> &'static str {
        "fixed"
    }

    fn version(&self) -> u32 {
        1
    }

    fn extract(&self, _: &Path) -> Result<Features> {
        Ok(Features {
            shape: vec![1, 2],
            values: Values::F32(vec![0.5, -1.0]),
            times_s: vec![0.25],
            names: vec!["a".into(), "b".into()],
            faces: None,
            warnings: vec![],
        })
    }
}

struct Scene {
    cache: Cache,
    media: PathBuf,
    entry: PathBuf,
    _folder: TempDir,
}

static SCENE: LazyLock<Scene> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let media = folder.path().join("clip.wav");
    write(&media, b"some sound");
    let cache = Cache::open(&folder.path().join("cache")).expect("a cache");
    cache.features(&media, &Fixed).expect("an entry");
    let mut entries = folder.path().join("cache").read_dir().expect("a folder");
    let entry = entries.next().expect("one entry").expect("its name").path();
    Scene { cache, media, entry, _folder: folder }
});

fn write(path: &Path, bytes: &[u8]) {
    File::create(path).and_then(|mut file| file.write_all(bytes)).expect("a written file");
}

/// Puts lengths and a checksum that are right around a body; its first two bytes are the length of its description.
fn sealed(bytes: &[u8]) -> Option<Vec<u8>> {
    let (described, body) = bytes.split_first_chunk::<2>()?;
    let mut lengths = (body.len() as u64).to_le_bytes().to_vec();
    lengths.extend(u64::from(u16::from_le_bytes(*described)).to_le_bytes());
    let sum = blake3::Hasher::new().update(&lengths).update(body).finalize();
    Some([b"avfeat1\n", lengths.as_slice(), sum.as_bytes(), body].concat())
}

// The first byte says whether the rest is an entry as it is, or the body of one.
fuzz_target!(|bytes: &[u8]| {
    let Some((mode, rest)) = bytes.split_first() else { return };
    let Some(entry) = (if mode % 2 == 0 { Some(rest.to_vec()) } else { sealed(rest) }) else {
        return;
    };
    write(&SCENE.entry, &entry);
    let cached = SCENE.cache.features(&SCENE.media, &Fixed).expect("a damaged entry is no error");
    let count: usize = cached.features.shape.iter().product();
    assert_eq!(cached.features.values.len(), count);
    if cached.origin != Origin::Hit {
        assert_eq!(cached.features, Fixed.extract(&SCENE.media).expect("features"));
        let again = SCENE.cache.features(&SCENE.media, &Fixed).expect("the new entry");
        assert_eq!(again.origin, Origin::Hit);
    }
});
