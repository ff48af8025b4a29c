//! A failed write to the data folder, as the window sees it.

use std::io;

use sidecar_host::RpcError;

/// `disk_full` where making room helps.
pub(crate) fn unwritable(error: io::Error) -> RpcError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => RpcError::lasting("disk_full", error.to_string()),
        _ => RpcError::lasting("internal_error", format!("the data folder cannot be written: {error}")),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::{File, OpenOptions};
    use std::io::Write;

    use super::*;

    #[test]
    fn only_a_full_disk_is_told_as_one() {
        let mut full = OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
        assert_eq!(unwritable(full.write_all(b"x").expect_err("it is full")).kind, "disk_full");
        assert_eq!(unwritable(File::create("/proc/x").expect_err("it is no disk")).kind, "internal_error");
    }
}
