//! One behaviour a file; one program, so that it is linked once. With the Secret Service of GNOME on a bus of its own.
#![cfg(target_os = "linux")]

mod app;
mod delete;
mod discretion;
mod keep;
mod keychain;
mod origin;
mod restart;
mod session;
mod unavailable;
