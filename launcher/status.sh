# shellcheck shell=bash
# ./vote status: exit 0 when every process runs and the site is ready, else 1.

cmd_status() {
    local endpoint processes good=yes
    place_option status "$@"
    if ! place_find || supervisor_gone; then
        say 'not running'
        return 1
    fi
    if [[ -s $DIR/address ]]; then
        UP_URL=$(<"$DIR/address")
        say "$UP_URL"
        up_is_ready || { say 'not ready' && good=''; }
    else
        say 'starting'
        good=''
    fi
    # In one piece: supervisorctl's complaint about a reader that left early is no news.
    processes=$(supervisor_ctl status) || good=''
    printf '%s\n' "$processes"
    for endpoint in "$RUN"/gateways/gateway-*.ipc; do
        [[ -S $endpoint ]] || continue
        printf '\n%s\n' "$(basename -- "$endpoint" .ipc)"
        "$BIN/vote-call" --gateway "ipc://$endpoint" gateway gateway_status '{}' |
            python3 "$ROOT/launcher/table.py" || good=''
    done
    [[ -n $good ]]
}
