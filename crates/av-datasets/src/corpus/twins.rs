//! Clips that are one file in two folders.

use crate::name::folded;
use crate::{Clip, Problem, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// Bytes that are read of files of one size before they are read whole. From the middle: beginnings are often alike.
const PROBE: u64 = 1 << 14;

/// One problem for each file that has the name and the bytes of a file of another clip: a corpus that lies flat and in folders.
/// Files of one name and size alone are read. Those of other names may be alike for a reason, such as silence.
///
/// Files that cannot be read are left to who needs what they hold.
pub(super) fn twins(clips: &[Clip]) -> Vec<Problem> {
    let mut sizes: BTreeMap<(u64, String), BTreeSet<(&Path, &str)>> = BTreeMap::new();
    for clip in clips {
        for (_, source) in clip.sources.iter() {
            let Some(Source::Media(path)) = source else { continue };
            let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
            // Empty files are damaged, and not the same recording.
            if size > 0 {
                let name = folded(&path.file_name().unwrap_or_default().to_string_lossy());
                sizes.entry((size, name)).or_default().insert((path, &clip.id));
            }
        }
    }
    let mut problems = vec![];
    for ((size, _), files) in sizes.into_iter().filter(|(_, files)| files.len() > 1) {
        for files in alike(files, |path| hash(path, (size / 2).saturating_sub(PROBE / 2), PROBE)) {
            for twins in alike(files, |path| hash(path, 0, u64::MAX)) {
                problems.extend(report(&twins));
            }
        }
    }
    problems
}

/// Groups of two or more files with the same hash.
fn alike<'a>(
    files: BTreeSet<(&'a Path, &'a str)>,
    hash: impl Fn(&Path) -> io::Result<blake3::Hash>,
) -> Vec<BTreeSet<(&'a Path, &'a str)>> {
    let mut groups: BTreeMap<[u8; 32], BTreeSet<_>> = BTreeMap::new();
    for file in files {
        if let Ok(hash) = hash(file.0) {
            groups.entry(*hash.as_bytes()).or_default().insert(file);
        }
    }
    groups.into_values().filter(|files| files.len() > 1).collect()
}

fn hash(path: &Path, start: u64, bytes: u64) -> io::Result<blake3::Hash> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file.take(bytes))?;
    Ok(hasher.finalize())
}

/// All files of other clips than the first.
fn report(twins: &BTreeSet<(&Path, &str)>) -> Vec<Problem> {
    let mut twins = twins.iter();
    let Some((first, id)) = twins.next() else { return vec![] };
    let others = twins.filter(|(_, other)| other != id);
    let problem = |(path, other): &(&Path, &str)| {
        let reason = format!(
            "has the same bytes as `{}`: clips `{other}` and `{id}` are one recording; remove one",
            first.display()
        );
        Problem::new(*path, reason)
    };
    others.map(problem).collect()
}
