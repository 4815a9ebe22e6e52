# shellcheck shell=bash
# ./vote top [--once]: what the gateways and pools of a place do, live in the terminal.

cmd_top() {
    local once=() rest=()
    while (($#)); do
        if [[ $1 == --once ]]; then
            once=(--once)
        else
            rest+=("$1")
        fi
        shift
    done
    place_option top "${rest[@]}"
    if ! place_find || supervisor_gone; then
        fail 'not running'
    fi
    ((${#once[@]})) || [[ -t 0 && -t 1 ]] || fail 'top needs a terminal; see --once'
    exec python3 -B "$ROOT/launcher/top.py" "${once[@]}" "$BIN/vote-call" "ipc://$RUN/gateways/gateway-*.ipc"
}
