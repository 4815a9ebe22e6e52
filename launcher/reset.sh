# shellcheck shell=bash
# ./vote reset: the site and all its data are gone.

cmd_reset() {
    local yes='' rest=() answer
    while (($#)); do
        case $1 in
        --yes) yes=yes ;;
        *) rest+=("$1") ;;
        esac
        shift
    done
    place_option reset "${rest[@]}"
    if ! place_is_ours; then
        [[ ! -e $DIR ]] || fail "$DIR was not made by ./vote up; it stays"
        say 'nothing to remove'
        return
    fi
    if [[ -z $yes ]]; then
        [[ -t 0 ]] || fail "reset removes $DIR with all votes and accounts; say --yes"
        read -r -p "Remove $DIR with all votes and accounts? [y/N] " answer || true
        [[ $answer == [yY]* ]] || fail 'nothing was removed'
    fi
    lock PLACE_LOCK "$DIR/.lock" 300
    down_all || true
    if place_find; then
        place_forget_run
    fi
    rm -rf -- "$DIR"
    say "removed $DIR"
}
