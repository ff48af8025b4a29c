# shellcheck shell=sh
# Sourced by the recipes that use Rust. An older Rust on PATH counts as none: then Debian's, installed in /usr/bin, goes first.

rust_minimum=90 # 1.90: what tauri 2.12 and its plugins ask for

rust_is_new_enough() {
  for rust_tool in cargo rustc; do
    "$rust_tool" --version 2>/dev/null | awk -v least=$rust_minimum '{ split($2, v, "."); exit !(v[1] > 1 || v[2] >= least) }' || return 1
  done
  cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1
}

rust_is_new_enough || export PATH="/usr/bin:$PATH"
