/* form: the fields of a form's body or of a query string. Pure.
 *
 * One struct for every encoding, so that a page never asks how its form travelled. Duplicates are
 * kept, in order. A field that is not UTF-8 stays in the list with valid = false: its page answers
 * that field's error. NUL and controls are bytes like others here; validation refuses them. A page
 * that asks for text takes a file's bytes as the text, and judges them as any other. */
#ifndef VOTE_HTTP_FORM_H
#define VOTE_HTTP_FORM_H

#include "proto/base/arena.h"

struct http_form_limits {
    size_t fields; /* how many; more: 413 */
    size_t name;   /* decoded bytes of a name; more: 413 */
    size_t value;  /* decoded bytes of a value; more: 413 */
    size_t part;   /* multipart: bytes of one part's headers; more: 413 */
};

#define HTTP_FORM_LIMITS_DEFAULT \
    ((struct http_form_limits){.fields = 128, .name = 256, .value = 65536, .part = 4096})

struct http_field {
    struct str name;
    struct str value;    /* decoded; as sent where it cannot be */
    struct str filename; /* a file's, as sent; data NULL: no file. A file is its bytes, in value */
    bool valid;          /* escapes well formed, and name and value UTF-8 (a file's value: any) */
};

struct http_form {
    struct http_field *fields; /* in the order sent */
    size_t count;
};

/* http_form_parse: body as content_type (the header's value) says: urlencoded (WHATWG URL, section
 * 5), multipart/form-data (RFC 7578), or a flat JSON object (see proto/json_form.h). An empty body
 * without a type is an empty form. Returns 0, 400 (not well formed), 413 (a limit) or 415 (another
 * type, or a charset that is not UTF-8). The fields live in arena and may point into body. */
int http_form_parse(struct arena *arena, const struct http_form_limits *limits,
                    struct str content_type, struct str body, struct http_form *out);

/* http_form_is_json: does the header's value say that the body is JSON? */
bool http_form_is_json(struct str content_type);

/* http_form_parse_query: the same for urlencoded text. Returns 0 or 413. */
int http_form_parse_query(struct arena *arena, const struct http_form_limits *limits,
                          struct str query, struct http_form *out);

/* http_form_get: the first field of that name, or NULL. */
const struct http_field *http_form_get(const struct http_form *form, const char *name);

/* http_form_get_all: all fields of that name, in order: the first `max` into out_fields. Returns
 * how many there are, which may be more. */
size_t http_form_get_all(const struct http_form *form, const char *name,
                         const struct http_field **out_fields, size_t max);

/* http_form_add: what a decoder calls for each field. Returns 0 or 413. */
int http_form_add(struct arena *arena, const struct http_form_limits *limits,
                  struct http_form *form, struct http_field field);

#endif
