/* value: what a template can hold: the context a page gives, and everything computed from it.
 *
 * A value is 24 bytes and copied freely; what it points to lives in an arena or is borrowed, and
 * must outlive the rendering. Building never fails. A zeroed value is undefined. One thread at a
 * time. */
#ifndef VOTE_TPL_VALUE_H
#define VOTE_TPL_VALUE_H

#include "proto/base/arena.h"

enum tpl_kind {
    TPL_UNDEFINED, /* prints as nothing; any attribute of it is undefined again */
    TPL_NONE,
    TPL_BOOL,
    TPL_INT,
    TPL_STR,  /* UTF-8 text, escaped when printed */
    TPL_SAFE, /* UTF-8 text that is HTML already, printed as it is */
    TPL_LIST,
    TPL_DICT, /* keys are texts, in the order they were set */
    TPL_LOOP, /* `loop` inside a for; made by the renderer only */
    TPL_HOLE, /* a text that is not empty and not known yet: it can be printed, nothing else */
};

struct tpl_loop {
    size_t index0, count;
};

struct tpl_value {
    enum tpl_kind kind;
    union {
        bool truth;
        int64_t number;
        struct str text; /* TPL_STR, TPL_SAFE */
        struct tpl_list *list;
        struct tpl_dict *dict;
        const struct tpl_loop *loop;
        size_t hole; /* which one */
    };
};

struct tpl_list {
    struct tpl_value *items;
    size_t count, capacity;
};

struct tpl_pair {
    struct str key;
    struct tpl_value value;
};

struct tpl_dict {
    struct tpl_pair *pairs;
    size_t count, capacity;
};

static inline struct tpl_value tpl_none(void)
{
    return (struct tpl_value){.kind = TPL_NONE};
}

static inline struct tpl_value tpl_bool(bool truth)
{
    return (struct tpl_value){.kind = TPL_BOOL, .truth = truth};
}

static inline struct tpl_value tpl_int(int64_t number)
{
    return (struct tpl_value){.kind = TPL_INT, .number = number};
}

/* tpl_str, tpl_text: a text, borrowed. tpl_safe: HTML, borrowed; the caller vouches for it. */
static inline struct tpl_value tpl_str(struct str text)
{
    return (struct tpl_value){.kind = TPL_STR, .text = text};
}

static inline struct tpl_value tpl_text(const char *text)
{
    return tpl_str(str_from(text));
}

static inline struct tpl_value tpl_safe(struct str html)
{
    return (struct tpl_value){.kind = TPL_SAFE, .text = html};
}

/* tpl_hole: a place for the text of this number, see tpl_render_holes. */
static inline struct tpl_value tpl_hole(size_t number)
{
    return (struct tpl_value){.kind = TPL_HOLE, .hole = number};
}

/* tpl_list, tpl_dict: empty, living in the arena. Copies of the value share the elements. */
struct tpl_value tpl_list(struct arena *arena);
struct tpl_value tpl_dict(struct arena *arena);

/* tpl_list_add: append to *list, which must be a list. */
void tpl_list_add(struct arena *arena, struct tpl_value *list, struct tpl_value item);

/* tpl_dict_set: set or replace one key of *dict, which must be a dict. The key is borrowed. */
void tpl_dict_set(struct arena *arena, struct tpl_value *dict, const char *key,
                  struct tpl_value value);
void tpl_dict_put(struct arena *arena, struct tpl_value *dict, struct str key,
                  struct tpl_value value);

/* tpl_dict_get: the value under key, borrowed, or NULL; NULL too if value is no dict. */
const struct tpl_value *tpl_dict_get(const struct tpl_value *value, struct str key);

/* tpl_truth: false for undefined, none, false, 0 and what is empty (Python's bool()). */
bool tpl_truth(struct tpl_value value);

static inline bool tpl_is_text(struct tpl_value value)
{
    return value.kind == TPL_STR || value.kind == TPL_SAFE;
}

/* tpl_number: int and bool as Python counts them. False, *out untouched, for anything else. */
bool tpl_number(struct tpl_value value, int64_t *out);

/* tpl_to_text: Python's str(): a text itself, "" for undefined, None, True, 12. A copy, where one
 * is needed, in the arena. False for a list, a dict and the loop. */
bool tpl_to_text(struct arena *arena, struct tpl_value value, struct str *out);

/* What a limit on steps counts: so many bytes of text looked at are one step. */
enum { TPL_BYTES_A_STEP = 256 };

/* tpl_equal: Python's ==. Every comparison takes its steps from *budget; with none left, and for
 * values nested deeper than 32, the answer is false. */
bool tpl_equal(struct tpl_value a, struct tpl_value b, size_t *budget);

/* tpl_loop_get: an attribute of `loop`. False if it has none of that name. */
bool tpl_loop_get(const struct tpl_loop *loop, struct str name, struct tpl_value *out);

/* tpl_kind_name: "a list", "a number", … for messages. */
const char *tpl_kind_name(enum tpl_kind kind);

#endif
