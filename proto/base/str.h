/* str: a borrowed slice of bytes, and the few strict conversions everybody needs.
 *
 * A slice is not NUL-terminated and may hold NUL. Nothing here allocates or blocks; any thread. */
#ifndef VOTE_BASE_STR_H
#define VOTE_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *data; /* may be NULL only when size is 0 */
    size_t size;      /* bytes */
};

/* STR: the slice of a string literal. */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})

/* STR_FMT, STR_ARG: print a slice with "%.*s". */
#define STR_ARG(s) (int)(s).size, (s).data ? (s).data : ""

static inline struct str str_from(const char *text)
{
    return (struct str){text, text ? strlen(text) : 0};
}

static inline struct str str_make(const char *data, size_t size)
{
    return (struct str){data, size};
}

/* str_equal: same bytes. str_equal_nocase: same but for the case of ASCII letters. */
bool str_equal(struct str a, struct str b);
bool str_equal_nocase(struct str a, struct str b);

bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/* str_find: index of the first `byte`, or -1. */
ptrdiff_t str_find(struct str s, char byte);

/* str_trim: without leading and trailing bytes of `set` (a C string, e.g. " \t"). */
struct str str_trim(struct str s, const char *set);

/* str_cut: split at the first `byte`: *out_head gets what stands before it, *s what stands after.
 * Without it, *out_head gets all and *s becomes empty. False when *s was empty already. */
bool str_cut(struct str *s, char byte, struct str *out_head);

/* str_to_int64: decimal, optional leading '-', no blanks, no '+', at least one digit, the whole
 * slice. False on anything else or on overflow; *out is then untouched. */
bool str_to_int64(struct str s, int64_t *out);

/* str_is_utf8: well-formed UTF-8 as in RFC 3629 (no surrogates, no over-long forms). */
bool str_is_utf8(struct str s);

/* str_utf8_length: code points of well-formed UTF-8. */
size_t str_utf8_length(struct str s);

/* str_has_control: holds a byte below 0x20 or 0x7f. */
bool str_has_control(struct str s);

/* str_is_blank: nothing to read in it: empty, or only white space (ASCII, and U+0085, U+00A0,
 * U+2000 to U+200B, U+2028, U+2029, U+3000, U+FEFF). s is UTF-8. */
bool str_is_blank(struct str s);

/* str_is_datetime: "2018-04-15 19:47:16", a moment that exists in the years 1000 to 9999. */
bool str_is_datetime(struct str s);

/* hex_encode: writes 2 * size lower-case digits and a NUL to out (2 * size + 1 bytes). */
void hex_encode(const void *bytes, size_t size, char *out);

/* hex_decode: exactly 2 * size digits of either case into out. False if s is anything else. */
bool hex_decode(struct str s, void *out, size_t size);

#endif
