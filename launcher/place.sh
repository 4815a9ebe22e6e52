# shellcheck shell=bash
# DIR, where one site lives: data, logs, configuration of its services, sockets. Everything in it is
# the account's alone (0700): who may open the sockets may use the site's database.

DIR=$ROOT/var

# Sockets' addresses end after 107 bytes; this much of it may be the name of the run directory.
RUN_MAX=60

# place_set DIR: makes it the place, absolute.
place_set() {
    [[ -n $1 ]] || fail '--dir needs a value; see ./vote --help'
    DIR=$(realpath -m -- "$1")
}

place_is_ours() {
    [[ -f $DIR/.vote ]]
}

# place_make: creates DIR, or refuses one that holds something else.
place_make() {
    [[ $DIR$ROOT != *%* ]] || fail "supervisor cannot work in a directory with % in its name: $DIR"
    [[ $DIR != *[\"\\[:cntrl:]]* ]] || fail "Redis cannot work in a directory with such a name: ${DIR@Q}"
    if [[ -e $DIR ]] && ! place_is_ours; then
        [[ -d $DIR ]] || fail "$DIR is not a directory"
        [[ -z $(ls -A -- "$DIR") ]] || fail "$DIR holds other files; choose an empty or new directory"
    fi
    mkdir -p -- "$DIR" 2>/dev/null || fail "cannot create $DIR"
    [[ -O $DIR ]] || fail "$DIR belongs to $(stat -c %U -- "$DIR")"
    chmod 700 -- "$DIR"
    : >>"$DIR/.vote" || fail "cannot write to $DIR"
}

# place_run: makes DIR/run. A DIR too long for sockets, or with characters that the services'
# configurations would read as their own, gets a link to a short directory instead.
place_run() {
    RUN=$DIR/run
    if ((${#RUN} > RUN_MAX)) || [[ ! $RUN =~ ^[A-Za-z0-9._/+-]+$ ]]; then
        local short
        short=$(readlink -- "$DIR/run" || true)
        if [[ ! -d $short || ! -O $short ]]; then
            short=$(mktemp -d "/tmp/vote.XXXXXX")
            ln -sfn -- "$short" "$DIR/run"
        fi
        RUN=$short
    fi
    mkdir -p -- "$RUN" "$RUN/gateways" "$DIR/log" "$DIR/tmp"
}

# place_find: RUN of a place that was made before; false without one.
place_find() {
    place_is_ours && [[ -d $DIR/run ]] || return 1
    RUN=$DIR/run
    [[ ! -L $RUN ]] || RUN=$(readlink -- "$RUN")
}

# place_forget_run: the run directory of a site that is down.
place_forget_run() {
    rm -rf -- "$RUN"
    rm -f -- "$DIR/run"
}

# place_need_space DIRECTORY MB: or one clear line.
place_need_space() {
    local free
    free=$(df -Pm -- "$1" | awk 'NR == 2 { print $4 }')
    ((free >= $2)) || fail "$1 has $free MB free, $2 MB are needed"
}
