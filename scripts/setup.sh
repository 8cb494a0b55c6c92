#!/usr/bin/env bash
# Gets what Headwater needs on this machine: setup.sh run|test
# Quick when nothing is missing. Sourced facts: see scripts/environment.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh

purpose=${1:-run}
say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Installs Debian packages where this is allowed, otherwise says in one line how to get them.
debian_packages() {
    [ $# -gt 0 ] || return 0
    local run=()
    [ "$(id -u)" = 0 ] || run=(sudo)
    command -v apt-get >/dev/null || fail "missing: $*; install them with this system's package manager"
    { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; } || fail "missing: run 'sudo apt-get install $*'"
    say "installing Debian packages: $*"
    "${run[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${run[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

missing=()
need() { command -v "$1" >/dev/null || missing+=("$2"); }
need cc build-essential
need bwrap bubblewrap
need prlimit util-linux
need setpriv util-linux
[ -x /usr/bin/python3 ] || missing+=(python3)
/usr/bin/python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
if [ "$purpose" = test ]; then
    need chromium chromium
    need node nodejs
    need npm npm
    need java default-jre-headless
    # Debian keeps the server's programs off the search path.
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need initdb postgresql
fi
debian_packages "${missing[@]}"

command -v cargo >/dev/null || fail "missing: cargo; get Rust 1.94.1 or newer from rustup.rs, then run this again"

# The browser half: rustup's own target is the first choice, Debian's wasm-ready compiler the second.
if ! web_target_installed && ! debian_web_toolchain; then
    say "adding rustup's wasm32-unknown-unknown target"
    if ! rustup target add wasm32-unknown-unknown >/dev/null 2>&1; then
        say "rustup cannot add it here; taking Debian's compiler for the browser half"
        debian_packages rustc-web cargo-web rust-web-src
    fi
fi

# The command-line tool must have exactly the version of the library in Cargo.lock.
if [ "$("$HEADWATER_TOOLS/bin/wasm-bindgen" --version 2>/dev/null)" != "wasm-bindgen $WASM_BINDGEN_VERSION" ]; then
    say "building wasm-bindgen $WASM_BINDGEN_VERSION (about 3 minutes, once)"
    cargo install --quiet wasm-bindgen-cli --version "=$WASM_BINDGEN_VERSION" --debug --force \
        --root "$HEADWATER_TOOLS" --target-dir "$HEADWATER_CACHE/tools-target"
    rm -rf "$HEADWATER_CACHE/tools-target"
fi

# What learners' functions import. Kept outside any virtual environment, since only /usr and this folder are visible to them.
if ! cmp -s scripts/python-requirements.txt "$HEADWATER_PYTHON_PACKAGES/.requirements"; then
    say "installing the Python packages for learners' functions"
    rm -rf "$HEADWATER_PYTHON_PACKAGES"
    mkdir -p "$HEADWATER_PYTHON_PACKAGES"
    PIP_ROOT_USER_ACTION=ignore /usr/bin/python3 -m pip install --quiet --no-input --no-warn-conflicts --only-binary=:all: \
        --target "$HEADWATER_PYTHON_PACKAGES" --requirement scripts/python-requirements.txt
    cp scripts/python-requirements.txt "$HEADWATER_PYTHON_PACKAGES/.requirements"
fi

# Real clients and a browser driver for the tests.
if [ "$purpose" = test ]; then
    if ! cmp -s scripts/test-requirements.txt "$HEADWATER_TEST_PYTHON/.requirements"; then
        say "installing the AWS CLI, boto3, moto, an LTI platform, a learning record store and others for the tests"
        /usr/bin/python3 -c 'import ensurepip' 2>/dev/null || debian_packages python3-venv
        rm -rf "$HEADWATER_TEST_PYTHON"
        /usr/bin/python3 -m venv "$HEADWATER_TEST_PYTHON"
        "$HEADWATER_TEST_PYTHON/bin/pip" install --quiet --no-input --requirement scripts/test-requirements.txt
        cp scripts/test-requirements.txt "$HEADWATER_TEST_PYTHON/.requirements"
    fi
    # Real Flink, to test the lab's Flink SQL. The package is taken for the JAR files in it, and not built.
    if [ "$(cat "$HEADWATER_FLINK/.version" 2>/dev/null)" != "$FLINK_VERSION" ]; then
        say "getting Flink $FLINK_VERSION (230 MB, once)"
        rm -rf "$HEADWATER_FLINK"
        mkdir -p "$HEADWATER_FLINK"
        package=apache-flink-libraries
        "$HEADWATER_TEST_PYTHON/bin/pip" download --quiet --no-input --no-deps --dest "$HEADWATER_FLINK" \
            "$package==$FLINK_VERSION"
        tar -xzf "$HEADWATER_FLINK/$package-$FLINK_VERSION.tar.gz" -C "$HEADWATER_FLINK" --no-same-owner \
            --strip-components=2 "$package-$FLINK_VERSION/deps/lib" \
            "$package-$FLINK_VERSION/deps/opt/flink-python-$FLINK_VERSION.jar"
        rm "$HEADWATER_FLINK/$package-$FLINK_VERSION.tar.gz"
        echo "$FLINK_VERSION" > "$HEADWATER_FLINK/.version"
    fi
    if ! cmp -s end2end/package-lock.json end2end/node_modules/.headwater-lock; then
        say "installing the browser driver"
        (cd end2end && npm ci --silent --no-audit --no-fund)
        cp end2end/package-lock.json end2end/node_modules/.headwater-lock
    fi
fi
