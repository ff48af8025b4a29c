#!/bin/sh
# Installs the named Debian/Ubuntu packages that are missing. As root, or with --yes / CI=true: at once. Otherwise it lists them
# and asks before `sudo`; without a terminal to ask on it prints the exact command and stops.
# Usage: system-packages.sh PACKAGE…
set -eu

missing=
for package; do
  if ! dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed; then missing="$missing $package"; fi
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "Knowledge Focus needs these packages (Debian's names), and this system has no apt-get:$missing" >&2
  echo "Install their equivalents with your package manager, then run the same command again." >&2
  exit 1
fi

command="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then
  as_root=
elif [ -n "${CI:-}${KNOWLEDGE_FOCUS_YES:-}" ]; then
  as_root="sudo"
else
  echo "These system packages are missing:$missing"
  if ! [ -t 0 ] || ! command -v sudo >/dev/null; then
    echo "Install them as root, then run the same command again:" >&2
    echo "  apt-get update && $command" >&2
    exit 1
  fi
  printf 'Install them now with sudo? [y/N] '
  read -r answer
  case $answer in
    [yY]*) as_root="sudo" ;;
    *) echo "Nothing was installed. When you are ready: sudo apt-get update && sudo $command" >&2; exit 1 ;;
  esac
fi

echo "Installing system packages:$missing"
log=$(mktemp)
# shellcheck disable=SC2086 # the package names are words of their own
if ! { $as_root apt-get update -q && $as_root env DEBIAN_FRONTEND=noninteractive $command -q; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "apt-get failed; its whole log is $log" >&2
  exit 1
fi
rm -f "$log"
