//! What a person can pass on when something does not work, without what was written, shown or kept secret.
//!
//! | Module | Its one concern |
//! |---|---|
//! | [`report`] | a text to paste, which the person can read through |
//! | [`archive`] | a file to attach, which nobody reads through: nothing is in it that was not meant to be |
//! | [`journal`] | what of a log's lines that file has |
//! | [`asked`] | what a sidecar that runs adds to it |
//! | [`system`] | versions of what the app runs on |
//! | [`tail`] | a log's last lines |

pub(crate) mod archive;
pub(crate) mod asked;
mod journal;
pub(crate) mod report;
mod system;
mod tail;
