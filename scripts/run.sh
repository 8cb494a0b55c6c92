#!/usr/bin/env bash
# Builds both halves and serves Headwater; arguments go to `headwater serve`.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh

echo "run: building the browser half (several minutes the first time)"
scripts/build-web.sh
echo "run: building the server (several minutes the first time)"
cargo build --quiet --package server
exec "$CARGO_TARGET_DIR/debug/headwater" serve "$@"
