# shellcheck shell=bash
# ./vote coverage: what of the code that reads bytes from outside the unit tests run. The whole
# report: build/coverage/report.txt.

COVERAGE_LINES=95
# Parsers and decoders: everything that is pure and sees bytes from outside first.
COVERAGE_OF=(
    gateway/http/{chunked,coding,condition,cookie,date,form,multipart,parser,request,syntax,target}.c
    gateway/{origin,site_time}.c
    proto/{envelope,json_form,message,session_value}.c
)

cmd_coverage() {
    local file filters=() report=$ROOT/build/coverage/report.txt
    if (($#)); then
        asks_for_help "$1"
    fi
    packages_ensure "${PACKAGES_BUILD[@]}" "${PACKAGES_TEST[@]}"
    build coverage
    cd "$ROOT/build/coverage"
    find . -name '*.gcda' -delete
    ctest --output-on-failure -L unit -R '_test$|fuzz_' -E 'tpl|templates'
    for file in "${COVERAGE_OF[@]}"; do
        [[ -f $ROOT/$file ]] || fail "coverage: no file $file"
        filters+=(--filter "$ROOT/$file")
    done
    gcovr --root "$ROOT" "${filters[@]}" . >"$report"
    cat "$report"
    awk -v least="$COVERAGE_LINES" '$4 ~ /%$/ && 100 * $3 < least * $2 { print $1; low = 1 } END { exit low }' \
        "$report" || fail "of these, less than $COVERAGE_LINES % of the lines run"
}
