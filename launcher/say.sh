# shellcheck shell=bash
# What every subcommand uses: messages, options, waiting with a deadline, the lock.

say() {
    printf 'vote: %s\n' "$*"
}

# fail TEXT: one clear line on standard error, exit 1.
fail() {
    printf 'vote: %s\n' "$*" >&2
    exit 1
}

# want_value OPTION COUNT: COUNT arguments are left, OPTION's value must be among them.
want_value() {
    (($2 >= 2)) || fail "$1 needs a value; see ./vote --help"
}

# want_port OPTION [VALUE]...: VALUE is a port.
want_port() {
    want_value "$1" $#
    [[ $2 =~ ^[1-9][0-9]{0,4}$ ]] && (($2 <= 65535)) || fail "$1 wants a number from 1 to 65535, not '$2'"
}

# asks_for_help ARGUMENT: prints the usage and ends when ARGUMENT asks for it.
asks_for_help() {
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    esac
}

# until_ok SECONDS COMMAND...: true as soon as COMMAND succeeds, false when SECONDS are over.
until_ok() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.1
    done
}

# lock VARIABLE FILE SECONDS: holds FILE's lock until this process ends or closes the descriptor put
# in VARIABLE; a process that outlives us must close it too. The file may have been removed by the one
# who held it before us, so the lock counts only while the name still leads to it.
lock() {
    local file=$2 seconds=$3 descriptor
    while true; do
        exec {descriptor}>>"$file"
        flock -w "$seconds" "$descriptor" || fail "another ./vote has held $file for $seconds s"
        [[ $file -ef /proc/self/fd/$descriptor ]] && break
        exec {descriptor}>&-
        mkdir -p -- "${file%/*}"
    done
    printf -v "$1" '%s' "$descriptor"
}

# render FILE NAME VALUE...: prints FILE with each @NAME@ replaced by its VALUE.
render() {
    local file=$1 text
    text=$(<"$file")
    shift
    while (($#)); do
        text=${text//"@$1@"/"$2"}
        shift 2
    done
    [[ ! $text =~ @[A-Z_]+@ ]] || fail "$file: nothing is known for ${BASH_REMATCH[0]}"
    printf '%s\n' "$text"
}
