/* values: what each key is set to, as checked text, with the place it comes from. Used while a
 * configuration is loaded: defaults first, then the file, then overrides. One thread. */
#ifndef VOTE_CONFIG_VALUES_H
#define VOTE_CONFIG_VALUES_H

#include "proto/config/keys.h"
#include "proto/config/mistakes.h"

struct value {
    struct place place;
    const struct str *items; /* one, but for a list; canonical: "9000", "true" */
    size_t count;
    struct str secret; /* of a KEY_SECRET: the real one, after values_read_secrets */
};

struct values {
    struct arena arena;
    struct value of[KEY_COUNT];
    struct mistakes mistakes;
};

/* values_init: every key at its default. values_free: with all texts. */
void values_init(struct values *values);
void values_free(struct values *values);

/* values_set: check and store the value of a key; a wrong one becomes a mistake, and the key stays
 * as it was. Items are borrowed until values_free; exactly one for a key that is no list. */
void values_set(struct values *values, const struct key *key, struct place place,
                const struct str *items, size_t count);

/* values_set_text: the same from one text, as an override gives it: a list's items lie between
 * commas. */
void values_set_text(struct values *values, const struct key *key, struct place place,
                     struct str text);

/* values_check_rules: what two keys must be to each other. */
void values_check_rules(struct values *values);

/* values_read_secrets: each secret from its text, its file or its environment variable. Blocks on
 * the file. */
void values_read_secrets(struct values *values);

/* values_write: append all values as one YAML document, in the order of keys.def. */
enum values_style {
    VALUES_FULL,   /* with secrets: for the schema */
    VALUES_MASKED, /* secrets are ***; a comment tells where a value comes from */
};
void values_write(const struct values *values, enum values_style style, struct buf *out);

#endif
