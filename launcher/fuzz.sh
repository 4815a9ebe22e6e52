# shellcheck shell=bash
# ./vote fuzz [SECONDS] [NAME]...: libFuzzer under sanitizers. What it finds new goes to
# build/fuzz/corpus; what breaks a target to build/fuzz/NAME-crash-…, from where, once repaired, it
# joins tests/fuzz/corpus/NAME and so every run of the unit tests.

# fuzz_one NAME SECONDS: its executions and new inputs on one line; false when it broke.
fuzz_one() {
    local name=$1 seconds=$2 work=$ROOT/build/fuzz log=$ROOT/build/fuzz/$1.log status=0
    mkdir -p "$work/corpus/$name"
    "$work/bin/${name}_fuzz" -max_total_time="$seconds" -max_len=2048 -timeout=10 \
        -print_final_stats=1 -dict="$ROOT/tests/fuzz/dict/$name.dict" \
        -artifact_prefix="$work/$name-" "$work/corpus/$name" "$ROOT/tests/fuzz/corpus/$name" \
        </dev/null >"$log" 2>&1 || status=$?
    say "$(awk -v name="$name" '
        /^stat::number_of_executed_units/ { runs = $2 }
        /^stat::new_units_added/ { new = $2 }
        END { printf "%-8s %10d executions, %d new inputs", name, runs, new }' "$log")"
    ((status == 0)) || tail -n 30 "$log" >&2
    return "$status"
}

cmd_fuzz() {
    local seconds=60 name broken=0
    if (($#)); then
        asks_for_help "$1"
    fi
    if [[ ${1:-} =~ ^[0-9] ]]; then
        seconds=$1
        shift
        [[ $seconds =~ ^[1-9][0-9]{0,5}$ ]] || fail "fuzz wants whole seconds, not '$seconds'"
    fi
    packages_ensure "${PACKAGES_BUILD[@]}" "${PACKAGES_TEST[@]}"
    build fuzz
    if (($# == 0)); then
        set -- "$ROOT"/tests/fuzz/*_fuzz.c
    fi
    for name; do
        name=${name##*/}
        name=${name%_fuzz.c}
        [[ -x $ROOT/build/fuzz/bin/${name}_fuzz ]] || fail "no fuzz target '$name'; see tests/fuzz"
        fuzz_one "$name" "$seconds" || broken=$((broken + 1))
    done
    ((broken == 0)) || fail "$broken targets broke; their inputs are in $ROOT/build/fuzz"
}
