# shellcheck shell=bash
# ./vote reload: new programs and a new configuration while the site serves, one process after another.
# With two gateways or more behind nginx no request fails; a single gateway is away for a moment.

# reload_pools SERVICE: a spare pool serves while each of the others is replaced.
reload_pools() {
    local service=$1 programs program
    mapfile -t programs < <(scale_programs "$service")
    scale_to "$service" $((${#programs[@]} + 1))
    for program in "${programs[@]}"; do
        supervisor_ctl restart "$program:*" >/dev/null || fail "$program does not start again"
        scale_is_again "$service" $((${#programs[@]} + 1))
    done
    scale_to "$service" "${#programs[@]}"
}

scale_is_again() {
    until_ok 60 scale_is "$1" "$2" || fail "$1 did not come back; it said: $(supervisor_last_word "$1")"
}

# reload_listen PORT: where the gateway of that port says that it listens.
reload_listen() {
    "$BIN/vote-call" --gateway "ipc://$RUN/gateways/gateway-$1.ipc" gateway gateway_status '{}' |
        python3 -c 'import json, sys; print(json.load(sys.stdin)["body"]["listen"])'
}

reload_gateways() {
    local process url
    while read -r process; do
        url=$(reload_listen "${process##*_}") || fail "$process does not answer"
        supervisor_ctl restart "$process" >/dev/null || fail "$process does not start again"
        supervisor_await gateway 60 url_is_ready "$url"
    done < <({ supervisor_ctl status || true; } | grep -o '^vote:vote_[0-9]*')
}

cmd_reload() {
    local service UP_EMPTY=
    place_option reload "$@"
    scale_place
    build "$PRESET"
    settings_load
    settings_check
    up_database
    for service in db session password; do
        say "reloading $service"
        reload_pools "$service"
    done
    say 'reloading the gateways'
    reload_gateways
    if [[ -d $RUN/nginx ]]; then
        nginx_check
        supervisor_ctl signal HUP nginx:nginx_0 >/dev/null
    fi
    say 'reloaded'
}
