/* keys: the rows of keys.def as a table, and words for messages about them. Pure; any thread. */
#ifndef VOTE_CONFIG_KEYS_H
#define VOTE_CONFIG_KEYS_H

#include "proto/base/buf.h"

enum key_kind { KEY_TEXT, KEY_SECRET, KEY_INT, KEY_FLAG, KEY_CHOICE, KEY_LIST };

enum key_item { KEY_NO_ITEM, KEY_ADDRESS, KEY_ENDPOINT };

/* KEY_gateway_port … , KEY_COUNT. */
enum key_id {
#define TEXT(section, name, ...)   KEY_##section##_##name,
#define SECRET(section, name, ...) KEY_##section##_##name,
#define INT(section, name, ...)    KEY_##section##_##name,
#define FLAG(section, name, ...)   KEY_##section##_##name,
#define CHOICE(section, name, ...) KEY_##section##_##name,
#define LIST(section, name, ...)   KEY_##section##_##name,
#include "proto/config/keys.def"
    KEY_COUNT
};

enum section_id {
#define SECTION(id, ...) SECTION_##id,
#include "proto/config/keys.def"
    SECTION_COUNT
};

struct section {
    const char *path; /* "databases.default"; "" for the top */
    const char *help;
};

struct key {
    const char *name; /* "port"; the whole path is key_path */
    enum section_id section;
    enum key_kind kind;
    enum key_item item;   /* of a list */
    const char *standard; /* the default, as an override would give it */
    const char *words;    /* of a choice, blanks between */
    int64_t min, max;     /* bytes of text, value of an integer, items of a list */
    size_t offset;        /* in struct config */
    const char *help;
};

extern const struct section sections[SECTION_COUNT];
extern const struct key keys[KEY_COUNT]; /* in the order of keys.def, index: enum key_id */

/* key_path: writes "databases.default.port" and a NUL to out; returns out. */
enum { KEY_PATH = 64 };
char *key_path(const struct key *key, char out[KEY_PATH]);

/* key_find: the key of this path, or NULL. */
const struct key *key_find(struct str path);

/* key_is_section: path is a section or leads to one ("databases"). */
bool key_is_section(struct str path);

/* key_nearest: the path of the key or section most like this unknown one; returns out. */
char *key_nearest(struct str path, char out[KEY_PATH]);

/* key_expected: append what a value of this key is: "a whole number, 1 to 65535". */
void key_expected(const struct key *key, struct buf *out);

/* key_item_is_valid: s is such an item of a list. key_item_phrase: "an IPv4 or IPv6 address". */
bool key_item_is_valid(enum key_item item, struct str s);
const char *key_item_phrase(enum key_item item);

/* key_tcp_is_valid: tcp://HOST:PORT, HOST a name, an IPv4 address or an IPv6 one in brackets. To
 * bind, either may be *: every address, any free port. */
bool key_tcp_is_valid(struct str s, bool to_bind);

#endif
