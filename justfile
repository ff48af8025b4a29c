# The project's commands. Run them through ./just, which gets what they run on. `./just demo` and `./just test` come first.

set shell := ["sh", "-euc"]
set positional-arguments

root := justfile_directory()
python := root / ".venv/bin/python"
uv := env("UV", "uv")

export PATH := root / ".tools/env/bin:" + env("PATH")
# Nothing here may fetch an interpreter behind our back.
export UV_PYTHON_DOWNLOADS := env("UV_PYTHON_DOWNLOADS", "never")

[private]
default:
    @just --list --unsorted

# Everything for the demo, the app and the tests: Python, Node and Rust packages, and the built app
setup: _python _app

# The main job, offline, with the small demo model: a window, or with --terminal the pipes alone
demo *options:
    @case " $* " in \
      *" --terminal "*) just _python && exec "{{ python }}" -m tests.e2e.terminal_demo "$@" ;; \
      *) just setup && exec "{{ python }}" -m tests.e2e.window_demo "$@" ;; \
    esac

# The app with the real model
run *options: setup
    tauri-app/target/debug/knowledge-focus "$@"

# Every test and every check
test: setup check _pytest _vitest _cargo-test _e2e

# The checks without the tests: formats, lints, types, arrows, generated files
check: _python _npm
    @"{{ uv }}" lock --check --quiet
    .venv/bin/ruff format --check --quiet .
    .venv/bin/ruff check --quiet .
    .venv/bin/mypy
    .venv/bin/lint-imports --no-logo
    "{{ python }}" -m sidecar.rpc.schema --check schemas
    cd tauri-app && npm run --silent types -- --check && npm run --silent lint && npm run --silent typecheck
    . setup/rust.sh && cd tauri-app && cargo fmt --check && cargo clippy --quiet --locked --workspace --all-targets -- -D warnings

# Puts code into the formatters' form
format: _python
    .venv/bin/ruff format --quiet .
    .venv/bin/ruff check --quiet --fix .
    . setup/rust.sh && cd tauri-app && cargo fmt

# Writes schemas/ and the TypeScript types from the sidecar's protocol
schema: _python _npm
    "{{ python }}" -m sidecar.rpc.schema schemas
    cd tauri-app && npm run --silent types

# Trains the demo model again and prints its scores on held-out data; --eval only prints the scores
demo-model *options: _python
    "{{ python }}" -m tests.demo_model "$@"

# For a release: pins the catalog's models to the files that are on the hub now, by size and SHA-256
pin *options: _python
    "{{ python }}" -m sidecar.models.pin "$@"

# Runs a benchmark and prints its figures, with --json one object a line; BENCHMARKS.md describes them
bench name *options: _python
    "{{ python }}" -m tests.bench "$@"

# The app as people install it (a .deb, on macOS a .dmg), into tauri-app/target/*/bundle; --full carries all Python packages
package *options: _python _npm
    @setup/window-needs.sh
    @. setup/rust.sh && UV="{{ uv }}" "{{ python }}" -m setup.package "$@"

# Installs a package in a fresh system in a folder, starts it there offline, and removes it (root, Linux, minutes)
package-test *options: (package "--full" "--debug")
    @setup/system-packages.sh debootstrap
    KNOWLEDGE_FOCUS_PACKAGE="$(ls -t "${CARGO_TARGET_DIR:-tauri-app/target}"/debug/bundle/deb/*.deb | head -n 1)" \
      "{{ python }}" -m pytest -q -s tests/package "$@"

_python:
    @"{{ uv }}" sync --quiet --frozen

[working-directory: "tauri-app"]
_npm:
    @cmp -s package-lock.json node_modules/.installed-lock || { \
      echo "Installing the window's packages …"; \
      npm ci --no-audit --no-fund --no-update-notifier --loglevel=error && cp package-lock.json node_modules/.installed-lock; }

_app: _npm
    @setup/window-needs.sh
    @echo "Building the app (a few minutes the first time) …"
    @cd tauri-app && npm run --silent build -- --logLevel warn
    @. setup/rust.sh && cd tauri-app && cargo build --quiet --locked --workspace

_pytest:
    "{{ python }}" -m pytest -q --ignore=tests/e2e

_vitest:
    cd tauri-app && npm test --silent

_cargo-test:
    . setup/rust.sh && cd tauri-app && cargo test --quiet --locked --workspace

_e2e:
    "{{ python }}" -m pytest -q tests/e2e
