# shellcheck shell=bash
# config/vote.yaml stands as its owner edited it; only where this site's parts live is laid over it.

CONFIG=$ROOT/config/vote.yaml

# More of them, which win.
SETTINGS_MORE=()

# settings_load [HOST] [PORT]: fills SETTINGS, the arguments every program of the site gets.
settings_load() {
    local name=databases.default
    SETTINGS=(
        --config "$CONFIG"
        --set "$name.socket=$RUN/mariadb.sock"
        --set "$name.user=$DATABASE_USER"
        --set "$name.password="
        --set "$name.password_env="
        --set "$name.password_file=$DIR/password"
        --set "$name.name=$DATABASE"
        --set "caches.default.socket=$RUN/redis.sock"
        --set "static_compressed_dir=$ROOT/build/$PRESET/static"
        --set "gateway.ipc_dir=$RUN/gateways"
        --set "pools.gateways=ipc://$RUN/gateways/gateway-*.ipc"
    )
    SETTINGS+=("${SETTINGS_MORE[@]}")
    [[ -z ${1:-} ]] || SETTINGS+=(--set "gateway.host=$1")
    [[ -z ${2:-} ]] || SETTINGS+=(--set "gateway.port=$2")
}

# settings_check: the programs' own words about what is wrong in the configuration, a line each.
settings_check() {
    local errors
    [[ -r $CONFIG ]] || fail "no configuration: $CONFIG"
    if ! errors=$(cd "$ROOT" && "$BIN/vote-gateway" "${SETTINGS[@]}" --check-config 2>&1); then
        errors=${errors:-$CONFIG is broken}
        fail "${errors//$'\n'/$'\n'vote: }"
    fi
}

# settings_get SECTION KEY: the value the gateway will use, from its own --print-config.
settings_get() {
    (cd "$ROOT" && "$BIN/vote-gateway" "${SETTINGS[@]}" --print-config) | awk -v section="$1:" -v key="$2:" '
        /^[^ #]/ { inside = ($1 == section) }
        inside && $1 == key { gsub(/["\047]/, "", $2); print $2 }'
}
