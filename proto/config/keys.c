#include "proto/config/keys.h"

#include "proto/base/die.h"
#include "proto/config/config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>

const struct section sections[SECTION_COUNT] = {
#define SECTION(id_, path_, help_) [SECTION_##id_] = {.path = (path_), .help = (help_)},
#include "proto/config/keys.def"
};

#define ROW(section_, name_, kind_, help_, ...)                                      \
    [KEY_##section_##_##name_] = {.name = #name_,                                    \
                                  .section = SECTION_##section_,                     \
                                  .kind = (kind_),                                   \
                                  .offset = offsetof(struct config, section_.name_), \
                                  .help = (help_),                                   \
                                  __VA_ARGS__},

const struct key keys[KEY_COUNT] = {
#define TEXT(section, name, standard_, min_, max_, help) \
    ROW(section, name, KEY_TEXT, help, .standard = (standard_), .min = (min_), .max = (max_))
#define SECRET(section, name, help) \
    ROW(section, name, KEY_SECRET, help, .standard = "", .min = 0, .max = 1024)
#define INT(section, name, standard_, min_, max_, help) \
    ROW(section, name, KEY_INT, help, .standard = #standard_, .min = (min_), .max = (max_))
#define FLAG(section, name, standard_, help) \
    ROW(section, name, KEY_FLAG, help, .standard = #standard_)
#define CHOICE(section, name, type, standard_, words_, help) \
    ROW(section, name, KEY_CHOICE, help, .standard = (standard_), .words = (words_))
#define LIST(section, name, standard_, min_, max_, item_, help)                               \
    ROW(section, name, KEY_LIST, help, .standard = (standard_), .min = (min_), .max = (max_), \
        .item = KEY_##item_)
#include "proto/config/keys.def"
};

char *key_path(const struct key *key, char out[KEY_PATH])
{
    const char *section = sections[key->section].path;
    int size = snprintf(out, KEY_PATH, "%s%s%s", section, *section ? "." : "", key->name);
    must(size < KEY_PATH);
    return out;
}

const struct key *key_find(struct str path)
{
    char known[KEY_PATH];
    for (size_t i = 0; i < KEY_COUNT; i++)
        if (str_equal(path, str_from(key_path(&keys[i], known))))
            return &keys[i];
    return NULL;
}

bool key_is_section(struct str path)
{
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        struct str known = str_from(sections[i].path);
        if (path.size && str_starts(known, path) &&
            (known.size == path.size || known.data[path.size] == '.'))
            return true;
    }
    return false;
}

/* Levenshtein's distance, of the first KEY_PATH bytes: an unknown key may be of any length. */
static size_t distance(struct str a, struct str b)
{
    size_t row[KEY_PATH + 1];
    size_t width = a.size < KEY_PATH ? a.size : KEY_PATH;
    for (size_t i = 0; i <= width; i++)
        row[i] = i;
    for (size_t j = 0; j < b.size; j++) {
        size_t diagonal = row[0];
        row[0] = j + 1;
        for (size_t i = 0; i < width; i++) {
            size_t best = diagonal + (a.data[i] != b.data[j]);
            diagonal = row[i + 1];
            if (best > row[i] + 1)
                best = row[i] + 1;
            if (best > row[i + 1] + 1)
                best = row[i + 1] + 1;
            row[i + 1] = best;
        }
    }
    return row[width];
}

static struct str last_part(struct str path)
{
    for (size_t i = path.size; i > 0; i--)
        if (path.data[i - 1] == '.')
            return str_make(path.data + i, path.size - i);
    return path;
}

/* A key put into the wrong section is as near as one letter typed wrongly. */
char *key_nearest(struct str path, char out[KEY_PATH])
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < KEY_COUNT + SECTION_COUNT; i++) {
        char key[KEY_PATH];
        const char *known = i < KEY_COUNT ? key_path(&keys[i], key) : sections[i - KEY_COUNT].path;
        if (!*known)
            continue;
        size_t whole = distance(path, str_from(known));
        size_t name = 2 * distance(last_part(path), last_part(str_from(known))) + 1;
        size_t near = whole < name ? whole : name;
        if (near < best) {
            best = near;
            snprintf(out, KEY_PATH, "%s", known);
        }
    }
    return out;
}

static void expected_words(const struct key *key, struct buf *out)
{
    struct str rest = str_from(key->words), word;
    const char *before = "one of ";
    while (str_cut(&rest, ' ', &word)) {
        buf_printf(out, "%s%.*s", before, STR_ARG(word));
        before = ", ";
    }
}

void key_expected(const struct key *key, struct buf *out)
{
    long long min = key->min, max = key->max;
    switch (key->kind) {
    case KEY_TEXT:
    case KEY_SECRET:
        buf_printf(out, "text of %lld to %lld bytes", min, max);
        break;
    case KEY_INT:
        buf_printf(out, "a whole number, %lld to %lld", min, max);
        break;
    case KEY_FLAG:
        buf_printf(out, "true or false");
        break;
    case KEY_CHOICE:
        expected_words(key, out);
        break;
    case KEY_LIST:
        buf_printf(out, "a list of %lld to %lld, each %s", min, max, key_item_phrase(key->item));
        break;
    }
}

static bool is_address(struct str s)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (s.size >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", STR_ARG(s));
    return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

static bool is_host(struct str s)
{
    if (s.size > 2 && s.data[0] == '[' && s.data[s.size - 1] == ']')
        return is_address(str_make(s.data + 1, s.size - 2)) && str_find(s, ':') >= 0;
    for (size_t i = 0; i < s.size; i++)
        if (!isalnum((unsigned char)s.data[i]) && !strchr("-._", s.data[i]))
            return false;
    return s.size > 0;
}

bool key_tcp_is_valid(struct str s, bool to_bind)
{
    static const struct str scheme = {"tcp://", 6}, any = {"*", 1};
    if (!str_starts(s, scheme) || s.size > 255)
        return false;
    struct str host = str_make(s.data + scheme.size, s.size - scheme.size), port = host;
    while (host.size && host.data[host.size - 1] != ':')
        host.size--;
    port = str_make(port.data + host.size, port.size - host.size);
    if (host.size == 0)
        return false;
    host.size--;
    int64_t number;
    bool good_port = str_to_int64(port, &number) && number >= 1 && number <= 65535;
    return (is_host(host) || (to_bind && str_equal(host, any))) &&
           (good_port || (to_bind && str_equal(port, any)));
}

static bool is_endpoint(struct str s)
{
    return key_tcp_is_valid(s, false) ||
           (s.size > STR("ipc://").size && s.size <= 255 && str_starts(s, STR("ipc://")));
}

static const struct {
    const char *phrase;
    bool (*is_valid)(struct str);
} items[] = {
    [KEY_ADDRESS] = {"an IPv4 or IPv6 address", is_address},
    [KEY_ENDPOINT] = {"an ipc:// or tcp:// endpoint", is_endpoint},
};

bool key_item_is_valid(enum key_item item, struct str s)
{
    return items[item].is_valid(s);
}

const char *key_item_phrase(enum key_item item)
{
    return items[item].phrase;
}
