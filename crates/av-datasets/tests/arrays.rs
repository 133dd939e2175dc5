//! Feature tables as files of arrays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test says what it expects by panicking

mod support;

use av_datasets::{Dataset, Modality, Source, TableConfig};
use safetensors::tensor::{Dtype, TensorView, serialize};
use std::collections::HashMap;
use std::io::{Cursor, Write as _};
use std::path::Path;
use support::{add, corpus, problems, tree};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn clips() -> (tempfile::TempDir, Dataset) {
    let root = tree(["ann.mp4", "bé.mp4", "cy.mp4"]);
    let text = "kind = 'pattern'\nname = 'n'\npattern = '(?<id>.*)\\.mp4'\nexample = 'a.mp4'";
    let dataset = corpus(text).index(root.path()).unwrap();
    (root, dataset)
}

fn config(path: &str, more: &str) -> TableConfig {
    toml::from_str(&format!("path = '{path}'\nkey = 'id'\n{more}")).unwrap()
}

/// An array as NumPy 2.4 writes it: the header is filled with spaces up to a multiple of 64.
fn npy(descr: &str, by_columns: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': {descr}, 'fortran_order': {by_columns}, 'shape': {shape}, }}");
    let length = (header.len() + 11).next_multiple_of(64) - 10;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(length).unwrap().to_le_bytes());
    bytes.extend(format!("{header:<width$}\n", width = length - 1).bytes());
    bytes.extend(data);
    bytes
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn doubles(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Texts of `width` characters in four bytes each.
fn texts(texts: &[&str], width: usize) -> Vec<u8> {
    let text = |text: &&str| {
        let mut codes: Vec<u32> = text.chars().map(u32::from).collect();
        codes.resize(width, 0);
        codes
    };
    let codes = texts.iter().flat_map(text);
    let array = npy(&format!("'<U{width}'"), "False", &format!("({},)", texts.len()), &[]);
    array.into_iter().chain(codes.flat_map(u32::to_le_bytes)).collect()
}

fn npz(arrays: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(vec![]));
    for (name, bytes) in arrays {
        let options = SimpleFileOptions::default().compression_method(method);
        archive.start_file(format!("{name}.npy"), options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn add_bytes(root: &Path, name: &str, bytes: &[u8]) {
    add(root, name, "");
    std::fs::File::create(root.join(name)).unwrap().write_all(bytes).unwrap();
}

fn features() -> (&'static str, Vec<u8>) {
    ("features", npy("'<f4'", "False", "(1, 2)", &floats(&[1.0, 2.0])))
}

#[test]
fn an_npz_file_is_a_table_packed_or_not() {
    let arrays = [
        ("id", texts(&["bé", "ann", "dee"], 3)),
        (
            "features",
            npy("'<f8'", "False", "(3, 2)", &doubles(&[1.5, -2.0, f64::NAN, 1e-3, 0.0, 0.0])),
        ),
        ("columns", npy("'|S4'", "False", "(2,)", b"AU01pose")),
        ("fold", npy("'<i8'", "False", "(3,)", &[1_i64, -2, 3].map(i64::to_le_bytes).concat())),
        ("other", npy("'|O'", "False", "(3,)", b"\x80pickle")),
    ];
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let (root, mut dataset) = clips();
        add_bytes(root.path(), "table.npz", &npz(&arrays, method));
        dataset.join(Modality::Video, root.path(), &config("table.npz", "fold = 'fold'")).unwrap();
        let [ann, be, cy] = dataset.clips.as_slice() else { panic!("three clips") };
        let row = |row| Some(Source::Row { table: 0, row });
        assert_eq!(
            (
                &ann.sources[Modality::Video],
                &be.sources[Modality::Video],
                &cy.sources[Modality::Video]
            ),
            (&row(1), &row(0), &None)
        );
        assert_eq!((ann.fold.as_deref(), be.fold.as_deref()), (Some("-2"), Some("1")));
        let table = &dataset.tables[0];
        assert_eq!(table.columns, ["AU01", "pose"]);
        assert_eq!(table.rows[0], [1.5, -2.0]);
        assert!(table.rows[1][0].is_nan() && table.rows[1][1] == 1e-3);
        let expected =
            ["table.npz: has no row for clip `cy`", "table.npz: row 3: no clip is named `dee`"];
        assert_eq!(problems(&dataset, root.path()), expected);
    }
}

#[test]
fn columns_side_by_side_and_without_names_are_read_too() {
    let (root, mut dataset) = clips();
    let values = floats(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    let arrays =
        [("id", texts(&["ann", "cy"], 5)), ("features", npy("'<f4'", "True", "(2, 3)", &values))];
    add_bytes(root.path(), "T.NPZ", &npz(&arrays, CompressionMethod::Deflated));
    dataset.join(Modality::Audio, root.path(), &config("T.NPZ", "exclude = ['1']")).unwrap();
    assert_eq!(dataset.tables[0].columns, ["0", "2"]);
    assert_eq!(dataset.tables[0].rows, [[1.0, 3.0], [4.0, 6.0]]);
}

#[test]
fn headers_of_python_2_are_read() {
    let (root, mut dataset) = clips();
    let texts = |shape: &str| npy("'|S3'", "False", shape, b"anncy\0");
    let values = floats(&[1.0, 2.0, 3.0, 4.0]);
    let arrays = [
        ("id", texts("(2L,)")),
        ("features", npy("u'<f4'", "False", "(2L, 2L)", &values)),
        ("columns", npy("'|S1'", "False", "( 2L , )", b"xy")),
    ];
    add_bytes(root.path(), "t.npz", &npz(&arrays, CompressionMethod::Stored));
    dataset.join(Modality::Audio, root.path(), &config("t.npz", "")).unwrap();
    assert_eq!(dataset.tables[0].columns, ["x", "y"]);
    assert_eq!(dataset.tables[0].rows, [[1.0, 2.0], [3.0, 4.0]]);
}

/// A file with the tensor `features`.
fn tensors(dtype: Dtype, shape: &[usize], data: &[u8], lists: &[(&str, &str)]) -> Vec<u8> {
    let view = TensorView::new(dtype, shape.to_vec(), data).unwrap();
    let lists: HashMap<String, String> =
        lists.iter().map(|(name, list)| (name.to_string(), list.to_string())).collect();
    serialize([("features", view)], Some(lists)).unwrap()
}

#[test]
fn a_safetensors_file_is_a_table_with_its_names_in_the_metadata() {
    let lists =
        [("id", "[\"cy\", \"bé\"]"), ("columns", "[\"x\", \"y\"]"), ("who", "[\"p\", \"q\"]")];
    for (dtype, data) in [
        (Dtype::F32, floats(&[1.0, 2.0, 3.0, f32::NAN])),
        (Dtype::F64, doubles(&[1.0, 2.0, 3.0, f64::NAN])),
    ] {
        let (root, mut dataset) = clips();
        add_bytes(root.path(), "t.safetensors", &tensors(dtype, &[2, 2], &data, &lists));
        dataset
            .join(Modality::Audio, root.path(), &config("t.safetensors", "subject = 'who'"))
            .unwrap();
        let table = &dataset.tables[0];
        assert_eq!(
            (&table.columns[..], &table.rows[0]),
            (&["x".into(), "y".into()][..], &vec![1.0, 2.0])
        );
        assert!(table.rows[1][0] == 3.0 && table.rows[1][1].is_nan());
        let subjects: Vec<&str> = dataset.clips.iter().map(|clip| clip.subject.as_str()).collect();
        assert_eq!(subjects, ["", "q", "p"]);
    }
}

/// The error of joining a file of these bytes.
fn refused(name: &str, bytes: &[u8]) -> String {
    let (root, mut dataset) = clips();
    add_bytes(root.path(), name, bytes);
    let error =
        dataset.join(Modality::Video, root.path(), &config(name, "")).unwrap_err().to_string();
    assert!(error.contains(name) && dataset.tables.is_empty(), "{error}");
    error
}

#[test]
fn an_npz_file_that_is_no_table_is_refused_with_the_reason() {
    let id = || ("id", texts(&["ann"], 3));
    let with = |features: Vec<u8>| vec![id(), ("features", features)];
    let list = |bytes: Vec<u8>| vec![("id", bytes), features()];
    let one = floats(&[1.0]);
    for (arrays, message) in [
        (vec![features()], "has no array `id`; its files are: features.npy"),
        (vec![id()], "has no array `features`; its files are: id.npy"),
        (
            vec![id(), features(), ("columns", texts(&["x"], 1))],
            "`columns` has 1 entries, but `features` has 2 columns",
        ),
        (
            vec![("id", texts(&["ann", "cy"], 3)), features()],
            "`id` has 2 entries, but `features` has 1 rows",
        ),
        (vec![id(), features(), ("columns", texts(&["x", "x"], 1))], "two columns `x`"),
        (
            with(npy("'<f4'", "False", "(1,)", &one)),
            "`features` has 1 axes instead of rows and columns",
        ),
        (
            with(npy("'<f4'", "False", "(1, 1)", &floats(&[f32::INFINITY]))),
            "row 1, column `0` is infinite",
        ),
        (
            with(npy("'<f8'", "False", "(1, 1)", &doubles(&[1e39]))),
            "row 1, column `0` is infinite or too large",
        ),
        (with(npy("'<f4'", "False", "(1, 2)", &one)), "`features` is damaged"),
        (
            with(npy("'>f4'", "False", "(1, 1)", &one)),
            "`features` is of type >f4; save features as float32",
        ),
        (with(npy("'<f2'", "False", "(1, 2)", &one)), "`features` is of type <f2"),
        (with(npy("'<i4'", "False", "(1, 1)", &one)), "`features` is not of float32 or float64"),
        (with(npy("[('a', '<f4')]", "False", "(1,)", &one)), "`features` is of type of records"),
        (with(npy("'<f4'", "Maybe", "(1, 1)", &one)), "`features` has the header {'descr'"),
        (
            with(npy("'<f4'", "Maybe", "(1, 1)", &one)),
            "which cannot be read: `fortran_order` is neither True nor False",
        ),
        (with(npy("'<f4'", "False", "(1, -1)", &one)), "size `-1` is not a whole number"),
        (with(npy("'<f4'", "False", "(1L, LL)", &one)), "size `LL` is not a whole number"),
        (with(npy("'<f4'", "False", "1", &one)), "`shape` is no list of sizes"),
        (with(npy("{}", "False", "(1, 1)", &one)), "it has no `descr`"),
        (with(b"PK".to_vec()), "`features` ends in its header"),
        (with(b"\x93NUMPY\x09\x00xx".to_vec()), "`features` is of version 9"),
        (
            with(b"\x93NUMPY\x02\x00\xFF\xFF\xFF\xFF".to_vec()),
            "`features` has a header of 4294967295 bytes",
        ),
        (with(b"not an array".to_vec()), "`features` is not an array of NumPy"),
        (
            list(npy("'|O'", "False", "(1,)", b"\x80")),
            "`id` is of type |O; save features as float32 or float64 and texts",
        ),
        (list(npy("'<f4'", "False", "(1,)", &one)), "`id` holds fractions"),
        (list(npy("'<U1'", "False", "(1,)", &[0xFF; 4])), "`id` holds what is no text"),
        (list(npy("'|S1'", "False", "(1,)", &[0xFF])), "`id` holds what is no text"),
        (list(npy("'|S1'", "False", "()", b"a")), "`id` is not a list"),
    ] {
        let error = refused("t.npz", &npz(&arrays, CompressionMethod::Deflated));
        assert!(error.contains(message), "{error} instead of {message}");
    }
    assert!(refused("t.npz", b"PK\x03\x04 and so on").contains("not a feature table"));
    assert!(refused("t.npz", b"").contains("not a feature table"));
}

#[test]
fn sizes_are_limited_before_anything_is_unpacked() {
    let huge = |shape: &str| {
        let zeros = vec![0; 1 << 22];
        let arrays =
            [("id", texts(&["ann"], 3)), ("features", npy("'<f4'", "False", shape, &zeros))];
        refused("t.npz", &npz(&arrays, CompressionMethod::Deflated))
    };
    assert!(huge("(1000001, 1)").contains("more than 1000000 rows"));
    assert!(huge("(1, 65537)").contains("more than 65536 columns"));
    assert!(huge("(1000000, 65536)").contains("more than 268435456 numbers"));
    assert!(huge("(99999999999999999999, 1)").contains("has the header"));
    // Within the limits, what a header announces is read piece by piece and not taken for granted.
    assert!(huge("(4096, 65536)").contains("`features` is damaged"));
    for (descr, shape) in
        [("'<U70'", "(1000000,)"), ("'<U99999999999999'", "(1,)"), ("'|S0'", "(1000001,)")]
    {
        let arrays = [("id", npy(descr, "False", shape, &[0; 64])), features()];
        let error = refused("t.npz", &npz(&arrays, CompressionMethod::Deflated));
        assert!(error.contains("more than 268435456 bytes of text"), "{error}");
    }
    // No element of any size takes no memory.
    let none = [("id", npy("'<U999999999999999999'", "False", "(0,)", &[])), features()];
    let error = refused("t.npz", &npz(&none, CompressionMethod::Deflated));
    assert!(error.contains("`id` has 0 entries, but `features` has 1 rows"), "{error}");
    let (root, mut dataset) = clips();
    for name in ["t.npz", "t.safetensors"] {
        let file = std::fs::File::create(root.path().join(name)).unwrap();
        file.set_len((1 << 30) + 1).unwrap(); // a hole: takes no space
        let error =
            dataset.join(Modality::Video, root.path(), &config(name, "")).unwrap_err().to_string();
        assert!(error.contains("more than 1073741824 bytes"), "{error}");
    }
}

#[test]
fn a_safetensors_file_that_is_no_table_is_refused_with_the_reason() {
    let id = [("id", "[\"ann\"]")];
    let one = floats(&[1.0]);
    for (bytes, message) in [
        (tensors(Dtype::F32, &[1, 1], &one, &[]), "has no metadata `id`, a JSON list of texts"),
        (
            tensors(Dtype::F32, &[1, 1], &one, &[("id", "ann")]),
            "metadata `id` is not a JSON list of texts",
        ),
        (
            tensors(Dtype::F32, &[1, 1], &one, &[("id", "[1]")]),
            "metadata `id` is not a JSON list of texts",
        ),
        (tensors(Dtype::F32, &[1], &one, &id), "`features` has 1 axes"),
        (tensors(Dtype::I32, &[1, 1], &one, &id), "`features` is of I32; save it as F32 or F64"),
        (
            tensors(Dtype::F32, &[1, 1], &floats(&[f32::NEG_INFINITY]), &id),
            "row 1, column `0` is infinite",
        ),
        (tensors(Dtype::F32, &[0, 65537], &[], &id), "more than 65536 columns"),
        (
            serialize(
                Vec::<(&str, TensorView)>::new(),
                Some(HashMap::from([("id".into(), "[]".into())])),
            )
            .unwrap(),
            "has no tensor `features`",
        ),
        (b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}".to_vec(), "is not a feature table"),
        (b"short".to_vec(), "is not a feature table"),
    ] {
        let error = refused("t.safetensors", &bytes);
        assert!(error.contains(message), "{error} instead of {message}");
    }
}
