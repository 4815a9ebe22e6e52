# shellcheck shell=bash
# The private supervisor (Debian's): it alone keeps processes, and stops them in reverse order of
# priority: gateways finish what runs while pools and services are still there.

# supervisor_quote TEXT: as one word of a command line in supervisor's configuration.
supervisor_quote() {
    local text=${1//\\/\\\\}
    text=${text//\"/\\\"}
    printf '"%s"' "$text"
}

# supervisor_words WORD...: each quoted, after a space.
supervisor_words() {
    local word
    for word in "$@"; do
        printf ' %s' "$(supervisor_quote "$word")"
    done
}

# supervisor_service NAME STOP_SECONDS COMMAND...: a server of this site's own, started first.
supervisor_service() {
    local name=$1 stop=$2 line
    shift 2
    line=$(supervisor_words "$@")
    cat <<TEXT

[program:$name]
command=${line# }
process_name=${name}_%(process_num)d
numprocs=1
priority=10
directory=$ROOT
autostart=true
autorestart=true
startsecs=1
startretries=3
stopsignal=TERM
stopwaitsecs=$stop
stopasgroup=false
killasgroup=false
redirect_stderr=true
stdout_logfile=$DIR/log/${name}_%(process_num)d.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=3
TEXT
}

# supervisor_render FILE NAME VALUE...: a file of deploy/supervisor for this place.
supervisor_render() {
    local file=$1
    shift
    render "$ROOT/deploy/supervisor/$file" ROOT "$ROOT" BIN "$BIN" LOG "$DIR/log" RUN "$RUN" \
        USER "$(id -un)" AUTOSTART false SETTINGS "$(supervisor_words "${SETTINGS[@]}")" "$@"
}

# supervisor_seconds SECTION KEY: that configured time, and five seconds more.
supervisor_seconds() {
    printf '%s\n' $(($(settings_get "$1" "$2") / 1000 + 5))
}

# supervisor_write FIRST COUNT [PAGE_PORT] [NGINX]: the configuration of this place: COUNT gateways from
# port FIRST on, a pool of each service, supervisor's page on PAGE_PORT, nginx.
supervisor_write() {
    local first=$1 count=$2 page=${3:-} nginx=${4:-} admin='' pool drain
    drain=$(supervisor_seconds pools drain_ms)
    # /metrics of the gateway on 9101 is on 19101.
    ((count == 1 || first < 1000 || first + count > 10000)) ||
        admin=' --set gateway.admin_port=1%(process_num)d'
    {
        supervisor_render supervisord.conf
        [[ -z $page ]] || supervisor_render page.conf PAGE_PORT "$page" PAGE_PASSWORD "$(<"$DIR/page-password")"
        supervisor_service mariadb 60 mariadbd --defaults-file="$DIR/mariadb.cnf"
        supervisor_service redis 30 redis-server "$DIR/redis.conf"
        for pool in db session password; do
            supervisor_render pool.conf SERVICE "$pool" STOP "$drain"
        done
        supervisor_render gateway.conf FIRST "$first" COUNT "$count" ADMIN "$admin" \
            STOP "$(supervisor_seconds gateway shutdown_ms)"
        [[ -z $nginx ]] || supervisor_render nginx.conf
    } >"$DIR/supervisor.conf"
}

# supervisor_is PID: it is this place's supervisor; not another program that got the number since, nor
# a dead process that nobody reaped.
supervisor_is() {
    [[ $1 =~ ^[0-9]+$ ]] &&
        tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline" | grep -qxF -- "$DIR/supervisor.conf"
} 2>/dev/null

supervisor_is_not() {
    ! supervisor_is "$1"
}

# supervisor_pid: prints the pid of this place's supervisor; false when it is not running.
supervisor_pid() {
    local pid
    pid=$(cat -- "$RUN/supervisor.pid" 2>/dev/null) && supervisor_is "$pid" && printf '%s\n' "$pid"
}

supervisor_gone() {
    ! supervisor_pid >/dev/null
}

supervisor_ctl() {
    supervisorctl -c "$DIR/supervisor.conf" "$@"
}

supervisor_answers() {
    supervisor_ctl pid >/dev/null 2>&1
}

# supervisor_start [FOREGROUND]: with FOREGROUND it stays our child, in a session of its own, so that
# ctrl-C reaches us alone and we end it in order.
supervisor_start() {
    rm -f -- "$RUN/supervisor.pid"
    if [[ -n ${1:-} ]]; then
        setsid supervisord -n -c "$DIR/supervisor.conf" >/dev/null 2>&1 {PLACE_LOCK}>&- &
        SUPERVISOR_CHILD=$!
    else
        supervisord -c "$DIR/supervisor.conf" >"$DIR/log/supervisord-start.log" 2>&1 {PLACE_LOCK}>&- ||
            fail "supervisor did not start: $(tail -n 1 "$DIR/log/supervisord-start.log")"
    fi
    until_ok 15 supervisor_answers || fail "supervisor did not answer in 15 s; see $DIR/log/supervisor.log"
}

# supervisor_stop: everything, in order; false when it takes longer than all their patience.
supervisor_stop() {
    local pid
    pid=$(supervisor_pid) || return 0
    supervisor_ctl shutdown >/dev/null 2>&1 || kill -TERM "$pid" 2>/dev/null || true
    until_ok 200 supervisor_is_not "$pid"
}

# supervisor_last_word NAME: the last line NAME logged.
supervisor_last_word() {
    tail -q -n 1 -- "$DIR/log/$1"_*.log 2>/dev/null | tail -n 1
}

# supervisor_fatal: prints the first program that supervisor gave up starting, as its log is called;
# false without one.
supervisor_fatal() {
    { supervisor_ctl status 2>/dev/null || true; } | awk -F: '
        / FATAL / { print ($1 == "vote" ? "gateway" : $1); found = 1; exit }
        END { exit !found }'
}

# supervisor_settled: no program is on its way up.
supervisor_settled() {
    [[ $(supervisor_ctl status || true) != *' STARTING '* ]]
}

# supervisor_await NAME SECONDS COMMAND...: until COMMAND succeeds; one clear line when supervisor
# gave a program up or SECONDS are over.
supervisor_await() {
    local name=$1 seconds=$2 end=$((SECONDS + $2)) fatal
    shift 2
    while ! until_ok 2 "$@"; do
        if fatal=$(supervisor_fatal); then
            fail "$fatal does not start; it said: $(supervisor_last_word "$fatal")"
        fi
        ((SECONDS < end)) || fail "$name was not ready in $seconds s; it said: $(supervisor_last_word "$name")"
    done
}

# supervisor_orphans: pids of our programs that run without their supervisor, because it was killed.
# Each has supervisor's address in its environment; Redis and nginx overwrite that, but stay
# in their directories.
supervisor_orphans() {
    local process
    for process in /proc/[0-9]*; do
        [[ -O $process ]] || continue
        if [[ $process/cwd -ef $DIR/redis || $process/cwd -ef $RUN/nginx ]] ||
            tr '\0' '\n' 2>/dev/null <"$process/environ" |
            grep -qxF "SUPERVISOR_SERVER_URL=unix://$RUN/supervisor.sock"; then
            printf '%s\n' "${process#/proc/}"
        fi
    done 2>/dev/null
}

supervisor_no_orphans() {
    [[ -z $(supervisor_orphans) ]]
}

# supervisor_stop_orphans: by their pids, only when there is no supervisor to ask.
supervisor_stop_orphans() {
    local pids
    mapfile -t pids < <(supervisor_orphans)
    ((${#pids[@]})) || return 0
    say "supervisor is gone; stopping the ${#pids[@]} processes it left"
    kill -TERM "${pids[@]}" 2>/dev/null || true
    until_ok 90 supervisor_no_orphans || fail "these processes do not stop: $(supervisor_orphans | xargs)"
}
