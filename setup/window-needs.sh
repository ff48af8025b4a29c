#!/bin/sh
# Sees that building and driving the window finds what it needs beside Python and Node: a C compiler, WebKitGTK with its WebDriver,
# Xvfb, a keychain, GNOME's settings and curl (for tests only), and Rust. Quiet when all is there.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=setup/rust.sh
. "$here/rust.sh"

case $(uname -s) in
  Darwin)
    xcode-select -p >/dev/null 2>&1 || { echo "A C compiler is missing. Run: xcode-select --install" >&2; exit 1; }
    rust_is_new_enough || { echo "Rust 1.$rust_minimum or newer is missing. See https://rustup.rs, or run: brew install rust" >&2; exit 1; }
    ;;
  *)
    "$here/system-packages.sh" build-essential pkg-config libwebkit2gtk-4.1-dev webkit2gtk-driver xvfb xauth librsvg2-dev \
      libayatana-appindicator3-dev libxdo-dev libopenblas0-pthread dbus-x11 at-spi2-core fonts-noto-cjk \
      dbus gnome-keyring gsettings-desktop-schemas libglib2.0-bin curl
    if ! rust_is_new_enough; then
      # Debian's ordinary repository carries a current Rust, for its browsers, under these names.
      # Where they are missing (or too old) the person's own way to Rust is rustup.
      "$here/system-packages.sh" rustc-web cargo-web rust-web-clippy rustfmt-web || true
      hash -r # the shell remembers where it found the old one
      rust_is_new_enough || {
        echo "Rust 1.$rust_minimum or newer is missing, and this system's packages have none. See https://rustup.rs" >&2
        exit 1
      }
    fi
    ;;
esac
