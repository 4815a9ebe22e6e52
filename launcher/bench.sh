# shellcheck shell=bash
# ./vote bench [NAME]... [OPTION]...: the site beside its peers, on services of its own.

cmd_bench() {
    local argument names=()
    for argument; do
        asks_for_help_of_bench "$argument"
    done
    packages_ensure "${PACKAGES_BUILD[@]}" "${PACKAGES_RUN[@]}" "${PACKAGES_BENCH[@]}"
    mapfile -t names < <(packages_missing "${PACKAGES_PEERS[@]}")
    ((${#names[@]} == 0)) ||
        say "for all peers: apt-get install --no-install-recommends ${names[*]}"
    place_need_space /tmp "$UP_NEED_MB"
    build release
    cmake --build "$ROOT/build/release" --target bench-select >>"$ROOT/build/release.log" 2>&1 ||
        fail "the build failed; all of it is in $ROOT/build/release.log"
    cd "$ROOT"
    exec /usr/bin/python3 -B "$ROOT/tests/bench/bench.py" "$@"
}

asks_for_help_of_bench() {
    case $1 in
    -h | --help) exec /usr/bin/python3 -B "$ROOT/tests/bench/bench.py" --help ;;
    esac
}
