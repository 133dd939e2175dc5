//! Feature tables: any bytes join to clips as finite numbers or gaps, or are an error that names the file.
#![no_main]

use std::fs::File;
use std::io::Write as _;
use std::sync::LazyLock;

use av_datasets::{CorpusConfig, Dataset, Modality, TableConfig};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

struct Scene {
    root: TempDir,
    dataset: Dataset,
    table: TableConfig,
    rows: CorpusConfig,
}

static SCENE: LazyLock<Scene> = LazyLock::new(|| {
    let root = tempfile::tempdir().expect("a temporary folder");
    for name in ["03-01-03-01-01-01-01.wav", "03-01-04-01-01-01-02.wav", "01-01-05-01-01-01-03.mp4"]
    {
        File::create(root.path().join(name)).expect("a file");
    }
    let corpus: CorpusConfig = toml::from_str("kind = 'ravdess'").expect("a corpus");
    Scene {
        dataset: corpus.index(root.path()).expect("clips"),
        table: toml::from_str("path = 'table.csv'\nkey = 'clip'\nfold = 'f'\nexclude = ['z*']")
            .expect("a table"),
        rows: toml::from_str(
            "kind = 'rows'\npath = 'table.csv'\nid = 'clip'\nsubject = 'f'\nlabel = 'z'",
        )
        .expect("a corpus"),
        root,
    }
});

fuzz_target!(|bytes: &[u8]| {
    let path = SCENE.root.path().join("table.csv");
    File::create(&path).and_then(|mut file| file.write_all(bytes)).expect("a written table");
    let mut dataset = SCENE.dataset.clone();
    match dataset.join(Modality::Audio, SCENE.root.path(), &SCENE.table) {
        Ok(()) => {
            let table = &dataset.tables[0];
            assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
            assert!(table.rows.iter().flatten().all(|value| value.is_finite() || value.is_nan()));
        }
        Err(error) => assert!(error.to_string().contains("table.csv"), "{error}"),
    }
    match SCENE.rows.index(SCENE.root.path()) {
        Ok(dataset) => {
            assert!(dataset.clips.is_sorted_by(|a, b| a.id < b.id));
            assert!(
                dataset
                    .clips
                    .iter()
                    .all(|clip| clip.emotion.is_none_or(|at| at < dataset.classes.len()))
            );
        }
        Err(error) => assert!(error.to_string().contains("table.csv"), "{error}"),
    }
});
