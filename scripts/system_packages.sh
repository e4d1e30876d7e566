#!/usr/bin/env bash
# Installs the Debian packages named as arguments that are missing, where that is possible: with apt-get and as root.
# It never fails: tests that need a missing package are skipped and say so, and this says it first.
set -euo pipefail

skip() {
    echo "not installed: $*; the tests that need it are skipped" >&2
    exit 0
}

missing=()
for package in "$@"; do
    command -v "$package" >/dev/null || missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

command -v apt-get >/dev/null || skip "${missing[@]} (no apt-get here)"
[ "$(id -u)" -eq 0 ] || skip "${missing[@]} (run as root: apt-get install ${missing[*]})"

export DEBIAN_FRONTEND=noninteractive
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >/dev/null ||
    skip "${missing[@]} (apt-get failed, see above)"
