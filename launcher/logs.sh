# shellcheck shell=bash
# ./vote logs [NAME] [-f]

cmd_logs() {
    local name='' follow=() files=() file
    while (($#)); do
        asks_for_help "$1"
        case $1 in
        --dir)
            want_value "$1" $#
            place_set "$2"
            shift
            ;;
        -f | --follow) follow=(-F) ;;
        -*) fail "logs does not know '$1'; see ./vote --help" ;;
        *)
            [[ -z $name ]] || fail 'logs takes one NAME'
            name=$1
            ;;
        esac
        shift
    done
    [[ $name =~ ^[a-z]*$ ]] || fail "no log '$name'"
    for file in "$DIR/log/"${name:-*}_*.log "$DIR/log/${name:-supervisor}.log"; do
        [[ ! -f $file ]] || files+=("$file")
    done
    ((${#files[@]})) || fail "no log ${name:+"of $name "}in $DIR/log"
    exec tail -n 100 "${follow[@]}" -- "${files[@]}"
}
