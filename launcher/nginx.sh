# shellcheck shell=bash
# nginx before the gateways, with the files of deploy/nginx.

# nginx_write LISTEN GATEWAY_HOST FIRST COUNT: the configuration of this place, below RUN, whose name is
# plain enough for nginx.
nginx_write() {
    local listen=$1 host=$2 first=$3 count=$4 upstream='' port file files
    for ((port = first; port < first + count; port++)); do
        upstream+="    server $(up_authority "$host" "$port") max_fails=0;"$'\n'
    done
    # A visitor takes two descriptors: one here, one to a gateway.
    files=$(ulimit -Hn)
    [[ $files != unlimited ]] && ((files <= 20000)) || files=20000
    mkdir -p -- "$RUN/nginx"
    ln -sfn -- "$ROOT/build/$PRESET/static" "$RUN/nginx/static"
    for file in "$ROOT"/deploy/nginx/{nginx,vote,vote-locations}.conf; do
        render "$file" USER "$(id -un)" GROUP "$(id -gn)" RUN "$RUN" FILES "$files" CONNECTIONS $((files - 64)) \
            LISTEN "$listen" STATIC "$RUN/nginx/static" \
            UPSTREAM "${upstream%$'\n'}" >"$RUN/nginx/${file##*/}"
    done
    nginx_check
}

nginx_check() {
    local errors
    errors=$(nginx -t -q -e stderr -c "$RUN/nginx/nginx.conf" 2>&1) || fail "nginx: $(tail -n 1 <<<"$errors")"
}
