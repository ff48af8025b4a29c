//! One behaviour a file; one program, so that it is linked once. All of them run the real uv; none needs a network.

mod bundle;
mod cancel;
mod common;
mod damage;
mod death;
mod disk;
mod interpreter;
mod mirror;
mod network;
mod slow;
mod up_to_date;
