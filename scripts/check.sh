#!/usr/bin/env bash
# Formatting and lints; warnings fail.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh

cargo fmt --all --check
cargo clippy --quiet --workspace --all-targets -- --deny warnings
