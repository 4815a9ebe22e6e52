# shellcheck shell=bash
# ./vote status: exit 0 when every process runs and the site is ready, else 1.

# status_json: the same for programs.
status_json() {
    local ready=no endpoints=("$RUN"/gateways/gateway-*.ipc) processes good=yes
    UP_URL=$(cat -- "$DIR/address" 2>/dev/null || true)
    if [[ -n $UP_URL ]] && up_is_ready; then
        ready=yes
    fi
    [[ -S ${endpoints[0]} ]] || endpoints=()
    processes=$(supervisor_ctl status) || good=''
    python3 -B "$ROOT/launcher/status_json.py" "$BIN/vote-call" "$UP_URL" "$ready" \
        "${endpoints[@]/#/ipc:\/\/}" <<<"$processes"
    [[ -n $good && $ready == yes ]]
}

cmd_status() {
    local endpoint processes good=yes json='' rest=()
    while (($#)); do
        if [[ $1 == --json ]]; then
            json=yes
        else
            rest+=("$1")
        fi
        shift
    done
    place_option status "${rest[@]}"
    if ! place_find || supervisor_gone; then
        if [[ -n $json ]]; then
            printf '{"url": null, "ready": false, "processes": [], "gateways": []}\n'
        else
            say 'not running'
        fi
        return 1
    fi
    if [[ -n $json ]]; then
        status_json
        return
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
