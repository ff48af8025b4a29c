//! What a sidecar says by its exit code.

use crate::error::RpcError;

/// "What I was given cannot be used."
pub(crate) const BAD_ARGUMENTS: u8 = 64;
/// "What is kept cannot be used": a newer version's database, or a damaged one.
pub(crate) const DATABASE_REFUSED: u8 = 65;
/// "My engine hangs, start me again."
pub(crate) const ENGINE_HUNG: u8 = 70;
/// "This data folder is in use."
pub(crate) const DATA_FOLDER_IN_USE: u8 = 75;

/// Those that name something which another start does not change.
const REASONS: [u8; 3] = [BAD_ARGUMENTS, DATABASE_REFUSED, DATA_FOLDER_IN_USE];

/// The code as one of those above, if it is a reason.
pub(crate) fn reason(code: Option<i32>) -> Option<u8> {
    REASONS.into_iter().find(|reason| code == Some((*reason).into()))
}

/// The exit code by which a sidecar said why it does not start, where that is what `error` tells.
pub fn reason_given(error: &RpcError) -> Option<u8> {
    let code = error.details["exitCode"].as_i64()?;
    reason(i32::try_from(code).ok())
}
