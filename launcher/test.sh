# shellcheck shell=bash
# ./vote test [CTEST ARGUMENT]...: sanitizers on, a leak at exit is a failure.

cmd_test() {
    local status=0
    if (($#)); then
        asks_for_help "$1"
    fi
    packages_ensure "${PACKAGES_BUILD[@]}" "${PACKAGES_RUN[@]}" "${PACKAGES_NGINX[@]}" "${PACKAGES_BACKUP[@]}" "${PACKAGES_TEST[@]}"
    place_need_space "$ROOT" "$UP_NEED_MB"
    place_need_space /tmp "$UP_NEED_MB"
    build asan
    cd "$ROOT/build/asan"
    # CTest's own cleanup does not run when it is interrupted.
    trap 'python3 "$ROOT/tests/fixtures/services.py" stop "$ROOT/build/asan" >/dev/null 2>&1' EXIT
    export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
    export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
    CTEST_PARALLEL_LEVEL=${CTEST_PARALLEL_LEVEL:-$(nproc)} \
        ctest --output-on-failure "$@" || status=$?
    exit "$status"
}
