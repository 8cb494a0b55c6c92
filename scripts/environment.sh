# Where things are; sourced by the other scripts.
HEADWATER_CACHE=${HEADWATER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/headwater}
HEADWATER_TOOLS=$HEADWATER_CACHE/tools
HEADWATER_TEST_PYTHON=$HEADWATER_CACHE/test-python
export HEADWATER_FLINK=$HEADWATER_CACHE/flink
FLINK_VERSION=1.20.3
export HEADWATER_PYTHON_PACKAGES=${HEADWATER_PYTHON_PACKAGES:-$HEADWATER_CACHE/python}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
export LEPTOS_SITE_ROOT=$CARGO_TARGET_DIR/site
WASM_BINDGEN_VERSION=$(awk '/^name = "wasm-bindgen"$/ { getline; gsub(/"/, "", $3); print $3; exit }' Cargo.lock)
export PATH=$HEADWATER_TOOLS/bin:$PATH

# Whether the compiler on PATH can build for the browser by itself.
web_target_installed() {
    [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" ]
}

# Whether Debian's compiler and its library source are there.
debian_web_toolchain() {
    [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] &&
        [ -f "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/std/Cargo.toml" ]
}
