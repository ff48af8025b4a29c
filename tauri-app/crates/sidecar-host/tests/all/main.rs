//! One behaviour a file; one program, so that it is linked once.

mod again;
mod answers;
mod cancel;
mod common;
mod death;
mod handshake;
mod line_cap;
mod notifications;
mod shutdown;
mod slow_consumer;
mod stand_in;
mod stderr;
mod supervision;
mod supervisor;
