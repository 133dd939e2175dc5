//! What the extension of a file says of it.

use crate::Tracks;
use std::collections::BTreeMap;
use std::path::Path;

/// Containers of sound and picture.
const FILMS: [&str; 32] = [
    "3g2", "3gp", "asf", "avi", "divx", "dv", "f4v", "flv", "m2ts", "m4v", "mj2", "mkv", "mod",
    "mov", "mp4", "mpe", "mpeg", "mpg", "mts", "mxf", "nut", "ogm", "ogv", "qt", "rm", "rmvb",
    "tod", "ts", "vob", "webm", "wmv", "xvid",
];

/// Files of sound alone.
const SOUNDS: [&str; 36] = [
    "3ga", "aac", "ac3", "aif", "aifc", "aiff", "amr", "ape", "au", "awb", "caf", "dts", "eac3",
    "flac", "m4a", "m4b", "mka", "mp2", "mp3", "mpc", "nist", "oga", "ogg", "opus", "ra", "snd",
    "sph", "spx", "tta", "voc", "w64", "wav", "wave", "weba", "wma", "wv",
];

/// Files of picture alone.
const SILENT: [&str; 9] = ["264", "265", "h264", "h265", "hevc", "ivf", "m1v", "m2v", "y4m"];

/// What is kept next to media under the same names: texts and tables, annotations and alignments, images, features,
/// previews of cameras.
const NOTES: [&str; 85] = [
    "arff", "ass", "bib", "bmp", "cfg", "cha", "csv", "ctm", "doc", "docx", "eaf", "feat",
    "feather", "gif", "h5", "hdf5", "heic", "htk", "htm", "html", "ini", "ipynb", "jpeg", "jpg",
    "json", "jsonl", "lab", "log", "lrc", "lst", "m", "mat", "md", "md5", "npy", "npz", "ods",
    "odt", "parquet", "pdf", "pgm", "phn", "phseg", "pickle", "pkl", "png", "ppm", "ppt", "pptx",
    "psfx", "pt", "pth", "py", "r", "rst", "rtf", "rttm", "sbv", "scp", "sha256", "srt", "stm",
    "sub", "syseg", "tex", "textgrid", "thm", "tif", "tiff", "toml", "trn", "trs", "tsv", "txt",
    "vtt", "wdseg", "webp", "wrd", "xls", "xlsm", "xlsx", "xml", "xmp", "yaml", "yml",
];

/// What kind of file has an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extension {
    /// FFmpeg reads such files.
    Media(Tracks),
    /// No media.
    Note,
    Unknown,
}

impl Extension {
    /// Of an extension in lower case.
    pub fn of(extension: &str) -> Self {
        let known = tracks().find(|(known, _)| *known == extension).map(|(_, tracks)| tracks);
        match known {
            Some(tracks) => Self::Media(tracks),
            None if extension == "safetensors" || NOTES.contains(&extension) => Self::Note,
            None => Self::Unknown,
        }
    }
}

fn tracks() -> impl Iterator<Item = (&'static str, Tracks)> {
    let kinds: [(&[&str], Tracks); 3] =
        [(&FILMS, Tracks::Both), (&SOUNDS, Tracks::Audio), (&SILENT, Tracks::Video)];
    kinds.into_iter().flat_map(|(names, tracks)| names.iter().map(move |&name| (name, tracks)))
}

/// Extensions of media files, in lower case, and what such files hold.
pub(super) fn media() -> BTreeMap<String, Tracks> {
    tracks().map(|(extension, tracks)| (extension.into(), tracks)).collect()
}

/// Extension of a path in lower case; empty where there is none.
pub(super) fn extension(path: &str) -> String {
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
    extension.unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_extension_has_two_meanings() {
        let all = [&FILMS[..], &SOUNDS, &SILENT, &NOTES].concat();
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert!(all.iter().all(|extension| **extension == extension.to_lowercase()));
        assert_eq!(Extension::of("mts"), Extension::Media(Tracks::Both));
        assert_eq!(Extension::of("xyz"), Extension::Unknown);
    }
}
