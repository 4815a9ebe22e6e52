# shellcheck shell=bash
# ./vote scale SERVICE=N...: more or fewer pools while the site serves. The first pool of a service is
# supervisor's program SERVICE; each further one is a program SERVICE_1, SERVICE_2 and on, a copy of the
# first, so that supervisor starts or stops it and leaves the others alone. It lasts until ./vote down.

SCALE_MAX=64

# scale_programs SERVICE: its programs, the first one first.
scale_programs() {
    sed -nE "s/^\[program:($1(_[0-9]+)?)\]\$/\1/p" "$DIR/supervisor.conf"
}

# scale_copy SERVICE NUMBER: the program SERVICE as SERVICE_NUMBER.
scale_copy() {
    awk -v service="$1" -v number="$2" '
        /^\[/ { inside = ($0 == "[program:" service "]") }
        !inside || /^(;|$)/ { next }
        /^\[/ { print ""; print "[program:" service "_" number "]"; next }
        /^numprocs_start=/ { $0 = "numprocs_start=" number }
        /^autostart=/ { $0 = "autostart=true" }
        { print }' "$DIR/supervisor.conf"
}

# scale_drop PROGRAM: prints the configuration without it.
scale_drop() {
    awk -v header="[program:$1]" '
        /^\[/ { inside = ($0 == header) }
        !inside { print }' "$DIR/supervisor.conf"
}

# scale_write TEXT: supervisor's configuration, whole at any time.
scale_write() {
    (umask 077 && printf '%s\n' "$1" >"$DIR/supervisor.conf.new")
    mv -- "$DIR/supervisor.conf.new" "$DIR/supervisor.conf"
}

# scale_to SERVICE N: so many programs, the highest numbers going first. A pool that goes has answered what
# it took when this returns.
scale_to() {
    local service=$1 wanted=$2 programs program number
    mapfile -t programs < <(scale_programs "$service")
    for program in "${programs[@]:1}"; do
        number=${program##*_}
        ((number >= wanted)) || continue
        scale_write "$(scale_drop "$program")"
        supervisor_ctl update "$program" >/dev/null || fail "supervisor could not stop $program"
    done
    for ((number = 1; number < wanted; number++)); do
        program=${service}_$number
        [[ " ${programs[*]} " != *" $program "* ]] || continue
        scale_write "$(cat -- "$DIR/supervisor.conf" && scale_copy "$service" "$number")"
        supervisor_ctl update "$program" >/dev/null || fail "supervisor could not start $program"
    done
    until_ok 60 supervisor_settled && until_ok 60 scale_is "$service" "$wanted" ||
        fail "$service has not $wanted pools in 60 s; it said: $(supervisor_last_word "$service")"
}

# scale_is SERVICE N: every gateway knows N pools of it that it may ask.
scale_is() {
    local endpoint
    for endpoint in "$RUN"/gateways/gateway-*.ipc; do
        [[ -S $endpoint ]] || continue
        "$BIN/vote-call" --gateway "ipc://$endpoint" gateway gateway_status '{}' 2>/dev/null |
            python3 -c '
import json, sys
pools = json.loads(sys.stdin.read() or "{}").get("body", {}).get("pools", [])
alive = [p for p in pools if p["service"] == sys.argv[1] and not p["draining"]]
sys.exit(len(alive) != int(sys.argv[2]))' "$1" "$2" || return 1
    done
}

# scale_place: the running site of DIR, locked.
scale_place() {
    place_find && ! supervisor_gone && [[ -s $DIR/address ]] || fail 'not running'
    lock PLACE_LOCK "$DIR/.lock" 300
}

cmd_scale() {
    local wanted=() word
    while (($#)); do
        asks_for_help "$1"
        case $1 in
        --dir)
            want_value "$1" $#
            place_set "$2"
            shift
            ;;
        db=* | session=* | password=*)
            word=${1#*=}
            [[ $word =~ ^[1-9][0-9]?$ ]] && ((word <= SCALE_MAX)) ||
                fail "scale wants a number from 1 to $SCALE_MAX, not '$word'"
            wanted+=("$1")
            ;;
        *) fail "scale does not know '$1'; see ./vote --help" ;;
        esac
        shift
    done
    ((${#wanted[@]})) || fail 'scale wants SERVICE=N, for example db=3'
    scale_place
    for word in "${wanted[@]}"; do
        scale_to "${word%=*}" "${word#*=}"
        say "$word"
    done
}
