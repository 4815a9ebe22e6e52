# shellcheck shell=bash
# ./vote up: from a bare machine to a ready site, or one clear line and nothing left running.

# What --foreground does once the site is up.
UP_STAY=up_stay

# Free space asked for: a data directory with its redo log and room for a day, and a build.
UP_NEED_MB=400

up_options() {
    local option
    UP_HOST='' UP_PORT='' UP_FOREGROUND='' UP_EMPTY='' UP_NGINX='' UP_GATEWAYS=1 UP_GATEWAY_PORT='' UP_PAGE_PORT=''
    while (($#)); do
        asks_for_help "$1"
        case $1 in
        --foreground | --nginx)
            option=${1#--}
            printf -v "UP_${option^^}" yes
            shift
            continue
            ;;
        --empty)
            UP_EMPTY=yes
            shift
            continue
            ;;
        --host) want_value "$1" $# && UP_HOST=$2 ;;
        --port) want_port "$@" && UP_PORT=$2 ;;
        --gateways)
            want_value "$1" $#
            [[ $2 =~ ^[1-9][0-9]?$ ]] || fail "--gateways wants a number from 1 to 99, not '$2'"
            UP_GATEWAYS=$2
            ;;
        --gateway-port) want_port "$@" && UP_GATEWAY_PORT=$2 ;;
        --page-port) want_port "$@" && UP_PAGE_PORT=$2 ;;
        --dir) want_value "$1" $# && place_set "$2" ;;
        *) fail "up does not know '$1'; see ./vote --help" ;;
        esac
        shift 2
    done
    [[ -n $UP_NGINX || -z $UP_GATEWAY_PORT$UP_PAGE_PORT ]] ||
        fail '--gateway-port and --page-port go with --nginx'
}

# up_addresses: where visitors come (HOST, PORT), and where the gateways are from FIRST on: behind nginx
# at the ports that deploy/ names.
up_addresses() {
    if [[ -n $UP_NGINX ]]; then
        HOST=${UP_HOST:-127.0.0.1} PORT=${UP_PORT:-8008} FIRST=${UP_GATEWAY_PORT:-9101}
        UP_PAGE_PORT=${UP_PAGE_PORT:-9001}
        settings_load '' "$FIRST"
    else
        settings_load "$UP_HOST" "$UP_PORT"
    fi
    services_secret password
    services_secret page-password
    settings_check
    GATEWAY_HOST=$(settings_get gateway host)
    [[ -n $GATEWAY_HOST ]] || fail 'the gateway does not print its host and port (--print-config)'
    if [[ -z $UP_NGINX ]]; then
        HOST=$GATEWAY_HOST PORT=$(settings_get gateway port)
        FIRST=$PORT
    fi
    ((FIRST + UP_GATEWAYS <= 65536)) || fail "there are no $UP_GATEWAYS ports from $FIRST on"
    UP_URL=$(up_url "$HOST" "$PORT")
}

# up_port_free HOST PORT: or one clear line.
up_port_free() {
    local busy
    busy=$(python3 "$ROOT/launcher/address.py" "$1" "$2") || fail "$busy"
}

up_ports_free() {
    local i
    [[ -z $UP_NGINX ]] || up_port_free "$HOST" "$PORT"
    [[ -z $UP_PAGE_PORT ]] || up_port_free 127.0.0.1 "$UP_PAGE_PORT"
    for ((i = 0; i < UP_GATEWAYS; i++)); do
        up_port_free "$GATEWAY_HOST" $((FIRST + i))
    done
}

# up_listen: where nginx listens.
up_listen() {
    if [[ $HOST == *:* ]]; then
        printf '[%s]:%s\n' "$HOST" "$PORT"
    else
        printf '%s:%s\n' "$HOST" "$PORT"
    fi
}

# up_authority HOST PORT: where a client on this machine finds what listens there.
up_authority() {
    local host=$1
    case $host in
    0.0.0.0) host=127.0.0.1 ;;
    ::) host=::1 ;;
    esac
    [[ $host != *:* ]] || host="[$host]"
    printf '%s:%s\n' "$host" "$2"
}

up_url() {
    printf 'http://%s\n' "$(up_authority "$@")"
}

# url_is_ready URL: the site there says that it can serve.
url_is_ready() {
    curl -fs -o /dev/null --noproxy '*' --max-time 2 "$1/readyz"
}

up_is_ready() {
    url_is_ready "$UP_URL"
}

# up_tell PHRASE: the address and one account to try it with.
up_tell() {
    local account password
    say "$1 at $(<"$DIR/address")"
    if IFS=$'\t' read -r account password <"$DIR/sample-accounts"; then
        say "sample account: $account password: $password (all of them: $DIR/sample-accounts)"
    fi 2>/dev/null
    if [[ -s $DIR/page ]]; then
        say "supervisor: $(<"$DIR/page") name: vote password: $(<"$DIR/page-password")"
    fi
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
    [[ -z ${UP_EMPTY:-} ]] || : >"$DIR/empty"
    [[ ! -e $DIR/empty ]] || samples=()
    if ! errors=$(cd "$ROOT" && "$BIN/vote-migrate" "${SETTINGS[@]}" --sql "$ROOT/sql" "${samples[@]}" \
        2>&1 >>"$accounts"); then
        fail "the database could not be brought up to date: $(tail -n 1 <<<"$errors")"
    fi
}

# up_programs: pools, gateways and nginx, until each says that it is ready.
up_programs() {
    local i
    supervisor_ctl start all >/dev/null 2>&1 || true
    for ((i = 0; i < UP_GATEWAYS; i++)); do
        supervisor_await gateway 60 url_is_ready "$(up_url "$GATEWAY_HOST" $((FIRST + i)))"
    done
    [[ -z $UP_NGINX ]] || supervisor_await nginx 20 up_is_ready
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
    local HOST PORT FIRST GATEWAY_HOST
    up_options "$@"
    packages_ensure "${PACKAGES_BUILD[@]}" "${PACKAGES_RUN[@]}"
    [[ -z $UP_NGINX ]] || packages_ensure "${PACKAGES_NGINX[@]}"
    place_make
    lock PLACE_LOCK "$DIR/.lock" 1800
    place_run
    if up_already; then
        return
    fi
    rm -f -- "$RUN"/gateways/* "$DIR/page"
    place_need_space "$DIR" $UP_NEED_MB
    place_need_space "$ROOT" $UP_NEED_MB
    build "$PRESET"
    up_addresses
    up_ports_free

    umask 077
    services_write
    services_create
    supervisor_write "$FIRST" "$UP_GATEWAYS" "$UP_PAGE_PORT" "$UP_NGINX"
    [[ -z $UP_NGINX ]] ||
        nginx_write "$(up_listen)" "$GATEWAY_HOST" "$FIRST" "$UP_GATEWAYS"
    trap up_abort EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    say "starting MariaDB, Redis, the pools and the gateway${UP_NGINX:+s, nginx}"
    supervisor_start "$UP_FOREGROUND"
    supervisor_await mariadb 60 mariadb_answers
    supervisor_await redis 30 redis_answers
    up_database
    up_programs
    [[ -z $UP_PAGE_PORT ]] || up_url 127.0.0.1 "$UP_PAGE_PORT" >"$DIR/page"
    printf '%s\n' "$UP_URL" >"$DIR/address"
    # From here on, being told to end is the right end of --foreground.
    [[ -z $UP_FOREGROUND ]] || trap 'exit 0' INT TERM HUP
    up_tell 'up'
    if [[ -n $UP_FOREGROUND ]]; then
        "$UP_STAY"
    fi
    trap - EXIT INT TERM HUP
}
