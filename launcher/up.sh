# shellcheck shell=bash
# ./vote up: from a bare machine to a ready site, or one clear line and nothing left running.

# What --foreground does once the site is up.
UP_STAY=up_stay

# Free space asked for: a data directory with its redo log and room for a day, and a build.
UP_NEED_MB=400

up_options() {
    UP_HOST='' UP_PORT='' UP_FOREGROUND='' UP_EMPTY=''
    while (($#)); do
        asks_for_help "$1"
        case $1 in
        --foreground)
            UP_FOREGROUND=yes
            shift
            continue
            ;;
        --empty)
            UP_EMPTY=yes
            shift
            continue
            ;;
        --host) want_value "$1" $# && UP_HOST=$2 ;;
        --port) want_value "$1" $# && UP_PORT=$2 ;;
        --dir) want_value "$1" $# && place_set "$2" ;;
        *) fail "up does not know '$1'; see ./vote --help" ;;
        esac
        shift 2
    done
    [[ -z $UP_PORT || $UP_PORT =~ ^[1-9][0-9]{0,4}$ ]] && ((UP_PORT <= 65535)) ||
        fail "--port wants a number from 1 to 65535, not '$UP_PORT'"
}

# up_url HOST PORT: where a client on this machine finds the site.
up_url() {
    local host=$1
    case $host in
    0.0.0.0) host=127.0.0.1 ;;
    ::) host=::1 ;;
    esac
    [[ $host != *:* ]] || host="[$host]"
    printf 'http://%s:%s\n' "$host" "$2"
}

up_is_ready() {
    curl -fs -o /dev/null --noproxy '*' --max-time 2 "$UP_URL/readyz"
}

# up_tell PHRASE: the address and one account to try it with.
up_tell() {
    local account password
    say "$1 at $(<"$DIR/address")"
    if IFS=$'\t' read -r account password <"$DIR/sample-accounts"; then
        say "sample account: $account password: $password (all of them: $DIR/sample-accounts)"
    fi 2>/dev/null
}

# up_already: true when this place is up; what an interrupted start left running is stopped.
up_already() {
    if supervisor_gone; then
        supervisor_stop_orphans
        return 1
    fi
    if [[ -s $DIR/address ]]; then
        UP_URL=$(<"$DIR/address")
        up_tell 'already up'
        up_is_ready || say 'it is not ready now; see ./vote status'
        return 0
    fi
    say 'stopping what an interrupted start left'
    supervisor_stop || fail "what an interrupted start left does not stop; see $DIR/log/supervisor.log"
    return 1
}

# up_abort: on the way out, whatever the reason: nothing half-started stays.
up_abort() {
    local status=$?
    trap - EXIT INT TERM HUP
    rm -f -- "$DIR/address"
    supervisor_stop || say 'some processes do not stop; see ./vote status' >&2
    exit "$status"
}

# up_database: tables and sample data, unless the place was once started without; a new account's password is in its file before anyone sees it.
up_database() {
    local accounts=$DIR/sample-accounts errors samples=(--samples)
    (umask 077 && : >>"$accounts")
    [[ -z $UP_EMPTY ]] || : >"$DIR/empty"
    [[ ! -e $DIR/empty ]] || samples=()
    if ! errors=$(cd "$ROOT" && "$BIN/vote-migrate" "${SETTINGS[@]}" --sql "$ROOT/sql" "${samples[@]}" \
        2>&1 >>"$accounts"); then
        fail "the database could not be brought up to date: $(tail -n 1 <<<"$errors")"
    fi
}

# up_programs: pools and gateway, until the gateway says that it is ready.
up_programs() {
    supervisor_ctl start all >/dev/null 2>&1 || true
    supervisor_await gateway 60 up_is_ready
}

# up_stay: --foreground: shows the gateway's log until we are told to end or supervisor does.
up_stay() {
    local tail
    exec {PLACE_LOCK}>&-
    tail -q -n 0 -F -- "$DIR"/log/gateway_*.log 2>/dev/null &
    tail=$!
    # shellcheck disable=SC2064 # the pid of now
    trap "kill $tail 2>/dev/null || true; up_abort" EXIT
    wait "$SUPERVISOR_CHILD" || true
    kill "$tail" 2>/dev/null || true
}

cmd_up() {
    local host port busy
    up_options "$@"
    packages_ensure "${PACKAGES_BUILD[@]}" "${PACKAGES_RUN[@]}"
    place_make
    lock PLACE_LOCK "$DIR/.lock" 1800
    place_run
    if up_already; then
        return
    fi
    rm -f -- "$RUN"/gateways/*
    place_need_space "$DIR" $UP_NEED_MB
    place_need_space "$ROOT" $UP_NEED_MB
    build "$PRESET"
    settings_load "$UP_HOST" "$UP_PORT"
    services_password
    settings_check
    host=$(settings_get gateway host)
    port=$(settings_get gateway port)
    [[ -n $host && -n $port ]] || fail 'the gateway does not print its host and port (--print-config)'
    UP_URL=$(up_url "$host" "$port")
    busy=$(python3 "$ROOT/launcher/address.py" "$host" "$port") || fail "$busy"

    umask 077
    services_write
    services_create
    supervisor_write "$port"
    trap up_abort EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    say 'starting MariaDB, Redis, the pools and the gateway'
    supervisor_start "$UP_FOREGROUND"
    supervisor_await mariadb 60 mariadb_answers
    supervisor_await redis 30 redis_answers
    up_database
    up_programs
    printf '%s\n' "$UP_URL" >"$DIR/address"
    # From here on, being told to end is the right end of --foreground.
    [[ -z $UP_FOREGROUND ]] || trap 'exit 0' INT TERM HUP
    up_tell 'up'
    if [[ -n $UP_FOREGROUND ]]; then
        "$UP_STAY"
    fi
    trap - EXIT INT TERM HUP
}
