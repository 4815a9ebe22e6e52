# shellcheck shell=bash
# ./vote down: what runs is finished, then all of it is stopped, MariaDB and Redis last.

# place_option COMMAND ARGUMENT...: the options that down, status and reset share.
place_option() {
    local command=$1
    shift
    while (($#)); do
        asks_for_help "$1"
        case $1 in
        --dir) want_value "$1" $# && place_set "$2" ;;
        *) fail "$command does not know '$1'; see ./vote --help" ;;
        esac
        shift 2
    done
}

# down_all: false when nothing was running.
down_all() {
    place_find || return 1
    if supervisor_gone; then
        rm -f -- "$DIR/address"
        supervisor_no_orphans && return 1
        supervisor_stop_orphans
    fi
    supervisor_stop || fail "not all of it stopped in time; see $DIR/log/supervisor.log"
    rm -f -- "$DIR/address"
    place_forget_run
}

cmd_down() {
    place_option down "$@"
    if place_is_ours; then
        lock PLACE_LOCK "$DIR/.lock" 300
    fi
    if down_all; then
        say 'down'
    else
        say 'not running'
    fi
}
