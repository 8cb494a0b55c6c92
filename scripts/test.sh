#!/usr/bin/env bash
# Every test: formatting and lints, Rust, the lab's content, then a real browser against the built server.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
export PATH=$HEADWATER_TEST_PYTHON/bin:$PATH

# What the clients for learners' accounts really send, in all tests; compared with the table of calls at the end.
HEADWATER_WIRE_LOG=$(mktemp)
export HEADWATER_WIRE_LOG
# Every secret that a test sees minted, and all logs of all servers; the logs are searched for the secrets at the end.
HEADWATER_SECRET_AUDIT=$(mktemp -d)
export HEADWATER_SECRET_AUDIT
trap 'rm -rf "$HEADWATER_WIRE_LOG" "$HEADWATER_SECRET_AUDIT"' EXIT

echo "test: formatting and lints"
scripts/check.sh
echo "test: Rust tests, with the AWS CLI and boto3 against the sandbox"
cargo test --quiet --workspace
echo "test: the lab's content"
# The workspace's tests have built the programs; to build one by itself would build its dependencies with other features.
"$CARGO_TARGET_DIR/debug/headwater" lab lint
echo "test: building the browser half"
scripts/build-web.sh
echo "test: the whole lab in Chromium"
(cd end2end && npm test --silent)
echo "test: every request of the tests against the table of calls"
"$CARGO_TARGET_DIR/debug/audit_calls" "$HEADWATER_WIRE_LOG"
echo "test: every log of the tests against every secret that they minted"
"$CARGO_TARGET_DIR/debug/audit_secrets" "$HEADWATER_SECRET_AUDIT"
