#include "proto/config/values.h"

#include "proto/base/die.h"

#include <stdio.h>

static const struct place by_default = {.origin = NULL};

void values_init(struct values *values)
{
    *values = (struct values){0};
    values->mistakes.arena = &values->arena;
    for (size_t i = 0; i < KEY_COUNT; i++)
        values_set_text(values, &keys[i], by_default, str_from(keys[i].standard));
    must(values->mistakes.count == 0);
}

void values_free(struct values *values)
{
    arena_free(&values->arena);
}

/* One key and one value under examination. */
struct check {
    struct values *values;
    const struct key *key;
    struct place place;
};

#define WRONG(check, ...)                                    \
    mistakes_add(&(check)->values->mistakes, (check)->place, \
                 str_from(key_path((check)->key, (char[KEY_PATH]){0})), __VA_ARGS__)

/* WRONG_EXPECTED: the sentence goes on with what a value of the key is. */
static void wrong_expected(const struct check *check, const char *what)
{
    struct buf expected = {0};
    key_expected(check->key, &expected);
    WRONG(check, "%s, expected %.*s", what, STR_ARG(buf_str(&expected)));
    buf_free(&expected);
}

static const char *shown(const struct check *check, struct str s)
{
    return text_shown(&check->values->arena, s);
}

/* What YAML allows in a document without an escape, less line breaks and tabs: all a value needs,
 * and it can be written back as it is. Well-formed UTF-8 only. */
static bool is_printable(struct str s)
{
    if (str_has_control(s))
        return false;
    for (size_t i = 0; i + 1 < s.size; i++) {
        unsigned char a = (unsigned char)s.data[i], b = (unsigned char)s.data[i + 1];
        if (a == 0xc2 && b < 0xa0) /* U+0080 to U+009F */
            return false;
        if (a == 0xef && b >= 0xbb && i + 2 < s.size) {
            unsigned char c = (unsigned char)s.data[i + 2];
            if ((b == 0xbb && c == 0xbf) || (b == 0xbf && c >= 0xbe)) /* BOM, U+FFFE, U+FFFF */
                return false;
        }
    }
    return true;
}

static bool check_bytes(const struct check *check, struct str s)
{
    if (!str_is_utf8(s))
        WRONG(check, "is not valid UTF-8, expected UTF-8");
    else if (!is_printable(s))
        WRONG(check, "holds a control character, expected printable text");
    else
        return true;
    return false;
}

static bool is_digits(struct str s)
{
    if (s.size && s.data[0] == '-')
        s = str_make(s.data + 1, s.size - 1);
    for (size_t i = 0; i < s.size; i++)
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
    return s.size > 0;
}

static bool check_int(const struct check *check, struct str *s)
{
    int64_t number;
    long long min = check->key->min, max = check->key->max;
    if (!is_digits(*s)) {
        WRONG(check, "\"%s\" is not a whole number, expected %lld to %lld", shown(check, *s), min,
              max);
        return false;
    }
    if (!str_to_int64(*s, &number) || number < min || number > max) {
        WRONG(check, "%s is out of range, expected %lld to %lld", shown(check, *s), min, max);
        return false;
    }
    /* 010 is ten here, whatever a reader of YAML takes it for. */
    *s = str_from(arena_printf(&check->values->arena, "%lld", (long long)number));
    return true;
}

static bool check_word(const struct check *check, struct str s)
{
    struct str rest = str_from(check->key->kind == KEY_FLAG ? "true false" : check->key->words);
    struct str word;
    while (str_cut(&rest, ' ', &word))
        if (str_equal(s, word))
            return true;
    wrong_expected(check,
                   arena_printf(&check->values->arena, "\"%s\" is unknown", shown(check, s)));
    return false;
}

static bool check_text(const struct check *check, struct str s)
{
    if ((int64_t)s.size >= check->key->min && (int64_t)s.size <= check->key->max)
        return true;
    wrong_expected(check, s.size == 0
                              ? "is empty"
                              : arena_printf(&check->values->arena, "is %zu bytes long", s.size));
    return false;
}

static bool check_item(const struct check *check, size_t index, struct str s)
{
    if (key_item_is_valid(check->key->item, s))
        return true;
    WRONG(check, "item %zu is \"%s\", expected %s", index + 1, shown(check, s),
          key_item_phrase(check->key->item));
    return false;
}

static bool check_one(const struct check *check, size_t index, struct str *s)
{
    if (!check_bytes(check, *s))
        return false;
    switch (check->key->kind) {
    case KEY_TEXT:
    case KEY_SECRET:
        return check_text(check, *s);
    case KEY_INT:
        return check_int(check, s);
    case KEY_FLAG:
    case KEY_CHOICE:
        return check_word(check, *s);
    case KEY_LIST:
        return check_item(check, index, *s);
    }
    return false;
}

void values_set(struct values *values, const struct key *key, struct place place,
                const struct str *items, size_t count)
{
    struct check check = {values, key, place};
    if (key->kind == KEY_LIST && ((int64_t)count < key->min || (int64_t)count > key->max)) {
        wrong_expected(&check, arena_printf(&values->arena, "has %zu items", count));
        return;
    }
    struct str *checked = arena_array(&values->arena, count, sizeof *checked);
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        checked[i] = items[i];
        good &= check_one(&check, i, &checked[i]);
    }
    if (good)
        values->of[key - keys] = (struct value){.place = place, .items = checked, .count = count};
}

void values_set_text(struct values *values, const struct key *key, struct place place,
                     struct str text)
{
    if (key->kind != KEY_LIST) {
        values_set(values, key, place, &text, 1);
        return;
    }
    size_t count = 0;
    struct str *items = arena_array(&values->arena, text.size + 1, sizeof *items);
    while (str_cut(&text, ',', &items[count]))
        count++;
    values_set(values, key, place, items, count);
}

static struct str text_of(const struct values *values, enum key_id id)
{
    return values->of[id].items[0];
}

static int64_t number_of(const struct values *values, enum key_id id)
{
    int64_t number = 0;
    must(str_to_int64(text_of(values, id), &number));
    return number;
}

/* Of two keys that do not fit, the one said last is to blame: somebody wrote it. */
static void check_order(struct values *values, enum key_id small, enum key_id large)
{
    char path[KEY_PATH];
    long long low = number_of(values, small), high = number_of(values, large);
    if (low <= high)
        return;
    bool blame_small = values->of[small].place.order >= values->of[large].place.order;
    enum key_id blamed = blame_small ? small : large, other = blame_small ? large : small;
    struct check check = {values, &keys[blamed], values->of[blamed].place};
    WRONG(&check, "%lld does not fit %s, expected at %s %lld", blame_small ? low : high,
          key_path(&keys[other], path), blame_small ? "most" : "least", blame_small ? high : low);
}

/* RFC 6265, section 4.1.1: a token. Anything else would end the name in the header. */
static void check_cookie_name(struct values *values)
{
    struct check check = {values, &keys[KEY_session_cookie_name],
                          values->of[KEY_session_cookie_name].place};
    struct str name = text_of(values, KEY_session_cookie_name);
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] <= ' ' || strchr("()<>@,;:\\\"/[]?={}", name.data[i])) {
            WRONG(&check, "\"%s\" is no name for a cookie, expected letters, digits, - or _",
                  shown(&check, name));
            return;
        }
}

/* What `cause` asks for; told where the cause was said. */
static void check_needs(struct values *values, enum key_id cause, enum key_id needed)
{
    char path[KEY_PATH];
    struct check check = {values, &keys[cause], values->of[cause].place};
    if (text_of(values, needed).size == 0)
        WRONG(&check, "tcp:// needs keys, expected %s too", key_path(&keys[needed], path));
}

static bool has_tcp(const struct value *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_starts(list->items[i], STR("tcp://")))
            return true;
    return false;
}

/* No queue crosses a network unencrypted, or open to everybody. */
static void check_tcp(struct values *values)
{
    enum key_id id = KEY_gateway_tcp_endpoint;
    struct check check = {values, &keys[id], values->of[id].place};
    struct str endpoint = text_of(values, id);
    if (endpoint.size > 0 && !key_tcp_is_valid(endpoint, true)) {
        WRONG(&check, "\"%s\" is no endpoint, expected tcp://HOST:PORT", shown(&check, endpoint));
    } else if (endpoint.size > 0) {
        check_needs(values, id, KEY_gateway_curve_secret_file);
        check_needs(values, id, KEY_gateway_curve_clients_file);
    }
    if (has_tcp(&values->of[KEY_pools_gateways])) {
        check_needs(values, KEY_pools_gateways, KEY_pools_curve_secret_file);
        check_needs(values, KEY_pools_gateways, KEY_pools_curve_server_file);
    }
}

void values_check_rules(struct values *values)
{
    static const struct {
        enum key_id small, large;
    } orders[] = {
        {KEY_gateway_queue_limit, KEY_gateway_slots}, {KEY_limits_header_field, KEY_limits_headers},
        {KEY_session_idle_s, KEY_session_absolute_s}, {KEY_database_minsize, KEY_database_maxsize},
        {KEY_pools_heartbeat_ms, KEY_pools_dead_ms},  {KEY_pools_batch_max, KEY_pools_queue_limit},
    };
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        check_order(values, orders[i].small, orders[i].large);
    check_cookie_name(values);
    check_tcp(values);
}
