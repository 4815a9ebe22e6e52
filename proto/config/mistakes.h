/* mistakes: what is wrong with a configuration, collected and then told all at once, in the order
 * of the file. One thread. */
#ifndef VOTE_CONFIG_MISTAKES_H
#define VOTE_CONFIG_MISTAKES_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/config/config.h"

/* Where something was said. */
struct place {
    const char *origin; /* a file's name, "--set"; NULL: it is the default */
    int order;          /* the line, from 1; 0: the file as a whole; PLACE_OVERRIDE + index */
};
enum { PLACE_OVERRIDE = 1 << 30 };

struct mistake {
    struct place place;
    size_t number; /* mistakes of one line stay in the order they were found in */
    const char *text;
};

struct mistakes {
    struct arena *arena; /* of the texts */
    struct mistake list[CONFIG_ERRORS_MAX];
    size_t count; /* the first CONFIG_ERRORS_MAX are kept */
};

/* mistakes_add: remember "KEY: MESSAGE"; key may be any bytes, or empty for none. */
void mistakes_add(struct mistakes *mistakes, struct place place, struct str key, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));

/* mistakes_report: append a line for each, sorted by place. False if there are none. */
bool mistakes_report(struct mistakes *mistakes, struct buf *out);

/* place_print: append "config/vote.yaml:12" or "--set". */
void place_print(struct place place, struct buf *out);

/* text_shown: s fit for a message: at most 48 bytes, what is not printable ASCII or UTF-8 as \xNN.
 * Lives in the arena. */
const char *text_shown(struct arena *arena, struct str s);

#endif
