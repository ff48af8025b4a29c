//! Pictures that a person attaches: copied into the data folder under their SHA-256.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use sidecar_host::RpcError;
use tempfile::NamedTempFile;

use crate::disk::unwritable;

/// What an attachment's URL begins with; its SHA-256 follows.
const SCHEME: &str = "attachment:";
/// Bytes an attachment may have.
pub(crate) const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes from the start that tell a file's type.
const HEAD_BYTES: usize = 8 * 1024;
/// Characters of a file's name that are passed on.
const NAME_LENGTH: usize = 200;

/// A copy in the data folder, as messages name it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Attachment {
    /// `attachment:<sha256>`, in lowercase hexadecimal digits.
    pub(crate) url: String,
    /// The name the person knows it by.
    pub(crate) name: String,
    /// Bytes.
    pub(crate) size: u64,
    pub(crate) mime: String,
}

/// The folder of the copies.
#[derive(Debug, Clone)]
pub(crate) struct Attachments(PathBuf);

impl Attachments {
    pub(crate) fn in_folder(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Copies a regular file.
    pub(crate) fn keep_file(&self, path: &Path) -> Result<Attachment, RpcError> {
        // A named pipe would block an ordinary open until somebody writes to it.
        let nonblocking = OFlags::NONBLOCK.bits() as i32;
        let file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(refused("not_a_file", "only regular files can be attached"));
        }
        if metadata.len() > MAX_BYTES {
            return Err(too_large());
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.keep(file, &name)
    }

    /// Copies whatever `content` holds. Blocks on the disk.
    pub(crate) fn keep(&self, content: impl Read, name: &str) -> Result<Attachment, RpcError> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0).map_err(unwritable)?;
        let mut copy = NamedTempFile::with_prefix_in(".part-", &self.0).map_err(unwritable)?;
        let Content { sha256, size, head } = copy_content(content, copy.as_file_mut())?;
        let kind = infer::get(&head);
        let (extension, mime) = kind.map_or(("bin", "application/octet-stream"), |k| (k.extension(), k.mime_type()));
        // Another copy of the same content is the same file, so replacing it changes nothing.
        copy.persist(self.0.join(format!("{sha256}.{extension}"))).map_err(|error| unwritable(error.error))?;
        let name = name.chars().filter(|character| !character.is_control()).take(NAME_LENGTH).collect();
        Ok(Attachment { url: format!("{SCHEME}{sha256}"), name, size, mime: mime.into() })
    }

    /// The bytes of a copy, by its `attachment:<sha256>`. Blocks on the disk.
    pub(crate) fn read(&self, url: &str) -> Result<Vec<u8>, RpcError> {
        // What is left is a name of 64 hexadecimal digits, so it cannot lead out of the folder; nor can a link in it.
        let sha256 = url.strip_prefix(SCHEME).filter(|name| is_sha256(name));
        let sha256 = sha256.ok_or_else(|| RpcError::lasting("invalid_params", "this is no URL of an attachment"))?;
        let path = self.find(sha256).map_err(unreadable)?;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(path).map_err(unreadable)?;
        if !file.metadata().map_err(unreadable)?.is_file() {
            return Err(refused("not_a_file", "this attachment is not a regular file"));
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(too_large());
        }
        Ok(bytes)
    }

    /// The ending of a copy's name tells its type and is not in its URL.
    fn find(&self, sha256: &str) -> io::Result<PathBuf> {
        for entry in fs::read_dir(&self.0)? {
            let path = entry?.path();
            if path.file_stem().is_some_and(|stem| stem == sha256) {
                return Ok(path);
            }
        }
        Err(io::Error::new(io::ErrorKind::NotFound, "no such attachment"))
    }
}

/// As the copies are named: lowercase.
fn is_sha256(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

struct Content {
    sha256: String,
    size: u64,
    head: Vec<u8>,
}

fn copy_content(mut content: impl Read, copy: &mut std::fs::File) -> Result<Content, RpcError> {
    let mut hash = Sha256::new();
    let mut head = Vec::new();
    let mut size = 0;
    let mut chunk = vec![0; 256 * 1024];
    loop {
        let length = match content.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(error)),
        };
        // Counted while copying: a file may grow after it was measured.
        size += length as u64;
        if size > MAX_BYTES {
            return Err(too_large());
        }
        let bytes = &chunk[..length];
        head.extend_from_slice(&bytes[..length.min(HEAD_BYTES.saturating_sub(head.len()))]);
        hash.update(bytes);
        copy.write_all(bytes).map_err(unwritable)?;
    }
    // A message that names it may be in the database before the system writes it by itself.
    copy.sync_all().map_err(unwritable)?;
    let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Content { sha256, size, head })
}

fn refused(reason: &str, message: impl Into<String>) -> RpcError {
    RpcError::lasting("invalid_image", message).with_details(json!({"reason": reason}))
}

fn too_large() -> RpcError {
    RpcError::lasting("invalid_image", format!("an attachment may have {MAX_BYTES} bytes"))
        .with_details(json!({"reason": "too_large", "limit": MAX_BYTES}))
}

fn unreadable(error: io::Error) -> RpcError {
    refused("unreadable", error.to_string())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    const PNG: &[u8] = include_bytes!("../icons/32x32.png");

    fn attachments() -> (tempfile::TempDir, Attachments) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let attachments = Attachments::in_folder(folder.path().join("attachments"));
        (folder, attachments)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder.join("attachments")).expect("the folder is there");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_picture_is_kept_under_its_hash_for_its_owner_alone() {
        let (folder, attachments) = attachments();
        let original = folder.path().join("a picture.png");
        fs::write(&original, PNG).expect("the disk has room");
        let attachment = attachments.keep_file(&original).expect("a picture");
        let sha256 = attachment.url.strip_prefix("attachment:").expect("the scheme");
        let copy = folder.path().join("attachments").join(format!("{sha256}.png"));
        assert_eq!(fs::read(&copy).expect("the copy"), PNG);
        assert_eq!(fs::metadata(&copy).expect("the copy").permissions().mode() & 0o777, 0o600);
        assert_eq!((attachment.name.as_str(), attachment.mime.as_str()), ("a picture.png", "image/png"));
        assert_eq!(attachment.size, PNG.len() as u64);
    }

    #[test]
    fn the_same_content_is_kept_once() {
        let (folder, attachments) = attachments();
        let one = attachments.keep(PNG, "one.png").expect("kept");
        let two = attachments.keep(PNG, "two.png").expect("kept");
        assert_eq!(one.url, two.url);
        assert_eq!(names(folder.path()).len(), 1);
    }

    #[test]
    fn what_is_not_a_regular_file_is_refused_without_waiting() {
        let (folder, attachments) = attachments();
        let pipe = folder.path().join("pipe.png");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
        assert!(made.success());
        for path in [pipe.as_path(), folder.path(), Path::new("/dev/zero")] {
            let error = attachments.keep_file(path).expect_err("no regular file");
            assert_eq!((&*error.kind, &error.details["reason"]), ("invalid_image", &json!("not_a_file")));
        }
        let error = attachments.keep_file(&folder.path().join("missing.png")).expect_err("missing");
        assert_eq!(error.details["reason"], "unreadable");
    }

    #[test]
    fn content_over_the_limit_is_refused_and_leaves_nothing() {
        let (folder, attachments) = attachments();
        let error = attachments.keep(io::repeat(7).take(MAX_BYTES + 1), "endless").expect_err("too large");
        assert_eq!(error.details, json!({"reason": "too_large", "limit": MAX_BYTES}));
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }

    #[test]
    fn the_type_comes_from_the_content_and_not_from_the_name() {
        let (_folder, attachments) = attachments();
        assert_eq!(attachments.keep(PNG, "text.txt").expect("kept").mime, "image/png");
        assert_eq!(attachments.keep(&b"hello"[..], "x.png").expect("kept").mime, "application/octet-stream");
    }

    #[test]
    fn photos_of_phones_are_pictures() {
        let (_folder, attachments) = attachments();
        for (brand, mime) in
            [("heic", "image/heif"), ("heix", "image/heif"), ("mif1", "image/heif"), ("avif", "image/avif")]
        {
            let other = if brand == "mif1" { "heic" } else { brand };
            let head = format!("\0\0\0\x18ftyp{brand}\0\0\0\0mif1{other}");
            assert_eq!(attachments.keep(head.as_bytes(), "IMG_0001").expect("kept").mime, mime, "{brand}");
        }
    }

    #[test]
    fn a_kept_picture_is_read_back_by_its_url() {
        let (_folder, attachments) = attachments();
        let attachment = attachments.keep(PNG, "a.png").expect("kept");
        assert_eq!(attachments.read(&attachment.url).expect("it is there"), PNG);
    }

    #[test]
    fn a_url_that_is_not_of_an_attachment_reads_nothing() {
        let (_folder, attachments) = attachments();
        let url = attachments.keep(PNG, "a.png").expect("kept").url;
        let sha256 = url.strip_prefix(SCHEME).expect("the scheme");
        let upper = format!("{SCHEME}{}", sha256.to_uppercase());
        let (with_ending, longer, around) = (format!("{url}.png"), format!("{url}0"), format!("{SCHEME}./{sha256}"));
        let file = format!("file:{sha256}");
        for url in [
            "",
            SCHEME,
            sha256,
            &upper,
            &with_ending,
            &longer,
            &around,
            &file,
            "attachment:../shell.json",
            "attachment:/etc/passwd",
        ] {
            assert_eq!(attachments.read(url).expect_err(url).kind, "invalid_params");
        }
    }

    #[test]
    fn what_is_no_regular_file_under_the_name_of_an_attachment_is_not_read() {
        let (folder, attachments) = attachments();
        attachments.keep(PNG, "makes the folder.png").expect("kept");
        let secret = folder.path().join("secret");
        fs::write(&secret, "secret").expect("the disk has room");
        let path = |digit: &str| folder.path().join("attachments").join(digit.repeat(64) + ".png");
        symlink(&secret, path("a")).expect("a link");
        fs::create_dir(path("b")).expect("a folder");
        let made = std::process::Command::new("mkfifo").arg(path("c")).status().expect("mkfifo runs");
        assert!(made.success());
        for (digit, reason) in [("a", "unreadable"), ("b", "not_a_file"), ("c", "not_a_file"), ("d", "unreadable")] {
            let error = attachments.read(&format!("{SCHEME}{}", digit.repeat(64))).expect_err(digit);
            assert_eq!((&*error.kind, &error.details["reason"]), ("invalid_image", &json!(reason)));
        }
    }
}
