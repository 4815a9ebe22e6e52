# shellcheck shell=bash
# ./vote soak [OPTION]...: the checker and the figures of tests/faults, on a site of their own.

cmd_soak() {
    if (($#)); then
        asks_for_help "$1"
    fi
    packages_ensure "${PACKAGES_BUILD[@]}" "${PACKAGES_RUN[@]}" "${PACKAGES_TEST[@]}"
    place_need_space /tmp "$UP_NEED_MB"
    build "$PRESET"
    cd "$ROOT"
    VOTE_BUILD_DIR=$ROOT/build/$PRESET PYTHONDONTWRITEBYTECODE=1 exec python3 -m tests.faults.soak "$@"
}
