/* json_form: a flat JSON object read as the fields of a form, for programs that send JSON where a
 * browser sends a form. Pure; any thread. */
#ifndef VOTE_PROTO_JSON_FORM_H
#define VOTE_PROTO_JSON_FORM_H

#include "proto/base/arena.h"

enum { JSON_FORM_MAX = 65536 }; /* bytes; a tree of JSON costs many times its text */

/* json_form_read: calls take(owner, name, value) for each field, in the order sent; the texts are
 * UTF-8 in arena. A string is its text, a whole number its digits, true is "true"; false is left
 * out, as a box that is not ticked; an array of strings is the field again and again. Returns 0,
 * what take returned if it was not 0, 413 past JSON_FORM_MAX, or 400: not JSON, not an object, a
 * key twice, null, a fraction, anything nested deeper. */
int json_form_read(struct arena *arena, struct str body,
                   int (*take)(void *owner, struct str name, struct str value), void *owner);

#endif
