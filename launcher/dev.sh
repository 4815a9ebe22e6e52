# shellcheck shell=bash
# ./vote dev: the site in the foreground for those who change it: what is saved is built and seen.

DEV_TARGETS=(vote-gateway vote-worker vote-migrate vote-import vote-call vote-keygen)
DEV_PROGRAMS=(vote-gateway vote-worker vote-migrate)

cmd_dev() {
    if [[ -z ${VOTE_PRESET:-} ]]; then
        PRESET=dev
        BIN=$ROOT/build/$PRESET/bin
    fi
    BUILD_TARGETS=("${DEV_TARGETS[@]}")
    SETTINGS_MORE=(--set debug.toolbar=true --set debug.reload=true --set static_compressed_dir=)
    UP_STAY=dev_stay
    cmd_up --foreground "$@"
    fail 'it was up already, and not for development; ./vote down first'
}

# dev_stay: shows the logs, and acts on every change, until we are told to end or supervisor does.
dev_stay() {
    local tail watch line part=''
    local -A changed=()
    exec {PLACE_LOCK}>&-
    DEV_PROBLEM=''
    tail -q -n 0 -F -- "$DIR"/log/{gateway,db,session,password}_*.log 2>/dev/null &
    tail=$!
    coproc WATCH { exec python3 -B "$ROOT/launcher/watch.py" "$CONFIG" \
        "$ROOT"/{gateway,proto,workers,templates,static,sql,CMakeLists.txt}; }
    # shellcheck disable=SC2153 # set by coproc
    watch=$WATCH_PID
    # shellcheck disable=SC2064 # the pids of now
    trap "kill $tail $watch 2>/dev/null || true; up_abort" EXIT
    read -r -u "${WATCH[0]}" line
    say 'watching; ctrl-C ends it'
    while kill -0 "$SUPERVISOR_CHILD" 2>/dev/null; do
        line=''
        if ! read -r -t 1 -u "${WATCH[0]}" line; then
            part+=$line # the second may be over in the middle of a line
            kill -0 "$watch" 2>/dev/null || break
            continue
        fi
        line=$part$line part=''
        if [[ -n $line ]]; then
            changed[$line]=yes
        else
            dev_change "${!changed[@]}"
            changed=()
        fi
    done
    exit 0
}

# dev_change PATH...: what one save or checkout changed, from programs to style sheets.
dev_change() {
    local path build='' sql='' config='' page='' style=''
    say "changed: ${*#"$ROOT"/}"
    for path; do
        case ${path#"$ROOT"/} in
        templates/*) page=yes ;;
        static/*.css) style=yes ;;
        static/*) page=yes ;;
        sql/*) sql=yes ;;
        *.yaml) config=yes ;;
        *) build=yes ;;
        esac
    done
    if [[ -n $build ]]; then
        dev_build "$@" || return 0
    fi
    if [[ -n $sql ]]; then
        dev_migrate || return 0
    fi
    if [[ -n $config ]]; then
        dev_configure || return 0
    fi
    if [[ -n $style && -z $page$build$sql$config ]]; then
        dev_refresh style
    else
        dev_refresh page
    fi
}

# dev_broken TEXT: on the terminal and in the open page, until it is repaired; false.
dev_broken() {
    DEV_PROBLEM=$1
    printf '%s\n' "$1" >&2
    dev_refresh page
    return 1
}

# dev_refresh page|style: open pages hear of it, or see what is broken; mistakes in templates are said
# here, too.
dev_refresh() {
    local endpoints=("$RUN"/gateways/gateway-*.ipc) shown
    shown=$(python3 -B "$ROOT/launcher/refresh.py" "$BIN/vote-call" "$1" "${endpoints[@]/#/ipc:\/\/}" \
        <<<"$DEV_PROBLEM") || true
    if [[ -z $shown ]]; then
        say 'good'
    elif [[ -z $DEV_PROBLEM ]]; then
        printf '%s\n' "$shown" >&2
    fi
}

# dev_touch PATH...: what was saved during the last build may have been read before that and be older than
# what was made of it; ninja sees times alone.
dev_touch() {
    local path
    for path; do
        [[ ! $path -nt $DIR/tmp/built || $path -nt $DIR/tmp/done ]] || touch -c -- "$path"
    done
}

# dev_build PATH...: after a change of them.
dev_build() {
    local log=$ROOT/build/$PRESET.log program restart=()
    dev_touch "$@"
    touch -- "$DIR/tmp/built"
    if ! (cd "$ROOT" && cmake --build --preset "$PRESET" --target "${BUILD_TARGETS[@]}") \
        >"$log" 2>&1 </dev/null; then
        touch -- "$DIR/tmp/done"
        # The compiler's words, without the command lines.
        dev_broken "$(grep -vE '^\[|^-- |^FAILED:|^ninja:| -c -?[^ ]|^(.*/)?(cc|gcc|clang|ccache) ' "$log")"
        return
    fi
    touch -- "$DIR/tmp/done"
    DEV_PROBLEM=''
    for program in "${DEV_PROGRAMS[@]}"; do
        [[ ! $BIN/$program -nt $DIR/tmp/built ]] || restart+=("$program")
    done
    for program in "${restart[@]}"; do
        case $program in
        vote-gateway) dev_restart vote ;;
        vote-worker) dev_restart db session password ;;
        vote-migrate) dev_migrate || return ;;
        esac
    done
}

# dev_restart NAME...: supervisor's groups (gateways are the group vote): each finishes what it has, then runs as it is now.
dev_restart() {
    say "restarting $*"
    supervisor_ctl restart "${@/%/:*}" >/dev/null || say 'it does not start; its log says why'
}

dev_migrate() {
    local errors
    errors=$(cd "$ROOT" && "$BIN/vote-migrate" "${SETTINGS[@]}" --sql "$ROOT/sql" 2>&1 >/dev/null) || {
        dev_broken "$errors"
        return
    }
    DEV_PROBLEM=''
}

dev_configure() {
    local errors
    errors=$(settings_check 2>&1) || {
        dev_broken "$errors"
        return
    }
    DEV_PROBLEM=''
    dev_restart db session password vote
}
