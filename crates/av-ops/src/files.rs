//! Named tensors on disk, in the safetensors format.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use candle_core::safetensors::Load as _;
use candle_core::{Device, Tensor};
use safetensors::SafeTensors;

use crate::{Error, Result};

/// Writes named tensors, of any device, to a safetensors file.
///
/// The file appears under its name only when it is complete: it is written to a temporary name in
/// the same folder, synced and renamed. The same tensors give the same bytes.
///
/// Errors: a folder that does not exist or cannot be written to.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use av_ops::{load_tensors, save_tensors};
/// use candle_core::{Device, Tensor};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("moments.safetensors");
/// let tensor = Tensor::new(&[1f32, 2.5], &Device::Cpu)?;
/// save_tensors(&path, &BTreeMap::from([("first.weight".to_owned(), tensor)]))?;
/// let stored = load_tensors(&path, &Device::Cpu)?;
/// assert_eq!(stored["first.weight"].to_vec1::<f32>()?, [1.0, 2.5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn save_tensors(path: &Path, tensors: &BTreeMap<String, Tensor>) -> Result<()> {
    // On the CPU the serialiser copies without failing; elsewhere it would panic where it cannot.
    let on_cpu = |(name, tensor): (_, &Tensor)| Ok((name, tensor.to_device(&Device::Cpu)?));
    let tensors: Vec<(&String, Tensor)> = tensors.iter().map(on_cpu).collect::<Result<_>>()?;
    let bytes = safetensors::serialize(tensors, None)
        .map_err(|source| Error::Format { path: path.to_owned(), source })?;
    write(path, &bytes).map_err(|source| Error::Write { path: path.to_owned(), source })
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        Some(_) | None => PathBuf::from("."),
    };
    let mut file = new_file_in(&folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// A temporary file with the permissions of an ordinary new file, not those of a secret.
fn new_file_in(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666)).tempfile_in(folder)
    }
    #[cfg(not(unix))]
    builder.tempfile_in(folder)
}

/// Reads all tensors of a safetensors file onto a device.
///
/// Errors: a file that cannot be read, is cut off or is not a safetensors file.
pub fn load_tensors(path: &Path, device: &Device) -> Result<BTreeMap<String, Tensor>> {
    let bytes =
        std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let tensors = SafeTensors::deserialize(&bytes)
        .map_err(|source| Error::Format { path: path.to_owned(), source })?;
    let tensors = tensors.iter().map(|(name, view)| Ok((name.to_owned(), view.load(device)?)));
    tensors.collect()
}

#[cfg(test)]
mod tests {
    use std::fs::{File, create_dir_all};

    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_file_may_be_read_by_whom_any_other_new_file_may_be_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let [ours, plain] = ["ours", "plain"].map(|name| folder.path().join(name));
        write(&ours, b"whole").unwrap();
        File::create(&plain).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        create_dir_all(path("folder/full")).unwrap();
        assert!(write(&path("folder"), b"whole").is_err(), "the name is that of a folder");
        assert!(write(&path("absent/file"), b"whole").is_err());
        let names = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(names.collect::<Vec<_>>(), ["folder"]);
    }
}
