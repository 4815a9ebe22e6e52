# shellcheck shell=bash
# CMake builds, one at a time per checkout.

# The preset ./vote up runs from: release, or e.g. asan for a site under sanitizers.
PRESET=${VOTE_PRESET:-release}
BIN=$ROOT/build/$PRESET/bin

# What is built; all of it when empty.
BUILD_TARGETS=()

# build PRESET: configures and builds; on failure shows the compiler's words and exits 1.
build() {
    local preset=$1 log=$ROOT/build/$1.log
    ((${#BUILD_TARGETS[@]} == 0)) || set -- "$preset" --target "${BUILD_TARGETS[@]}"
    mkdir -p "$ROOT/build"
    say "building ($preset)"
    lock BUILD_LOCK "$ROOT/build/.lock" 1800
    if ! (cd "$ROOT" && cmake --preset "$preset" && cmake --build --preset "$@") >"$log" 2>&1 \
        </dev/null; then
        tail -n 40 "$log" >&2
        fail "the build failed; all of it is in $log"
    fi
    exec {BUILD_LOCK}>&-
}
