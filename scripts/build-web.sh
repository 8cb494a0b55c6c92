#!/usr/bin/env bash
# Builds the browser half into $LEPTOS_SITE_ROOT: the wasm package, the style sheet, the public files.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh

profile=${HEADWATER_WEB_PROFILE:-wasm-release}
target=$CARGO_TARGET_DIR/web
build=(build --quiet --package app --lib --features hydrate --profile "$profile"
    --target wasm32-unknown-unknown --target-dir "$target")
if web_target_installed; then
    cargo "${build[@]}"
else
    # Debian's compiler ships the standard library as source only, and no wasm linker: rustup's does.
    linker=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | awk '/^host:/ { print $2 }')/bin/rust-lld
    env RUSTC_BOOTSTRAP=1 PATH=/usr/bin:/bin CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$linker" \
        /usr/bin/cargo "${build[@]}" -Zbuild-std=std,panic_abort
fi

folder=$profile
[ "$profile" != dev ] || folder=debug
wasm=$target/wasm32-unknown-unknown/$folder/app.wasm
package=$LEPTOS_SITE_ROOT/pkg
mkdir -p "$package"
if [ "$wasm" -nt "$package/headwater_bg.wasm" ]; then
    # The names of functions are more than half of the file; they help in a debugger only.
    nameless=()
    [ "$profile" = dev ] || nameless=(--remove-name-section --remove-producers-section)
    wasm-bindgen --target web --no-typescript "${nameless[@]}" --out-dir "$package" --out-name headwater "$wasm"
    if command -v wasm-opt >/dev/null; then
        wasm-opt -Oz --enable-bulk-memory --enable-nontrapping-float-to-int --enable-sign-ext --enable-mutable-globals \
            --enable-reference-types --enable-multivalue "$package/headwater_bg.wasm" -o "$package/headwater_bg.wasm"
    fi
    gzip -9 -k -f "$package/headwater_bg.wasm" "$package/headwater.js"
fi
cp -R public/. "$LEPTOS_SITE_ROOT/"
cat style/*.css > "$package/headwater.css"
