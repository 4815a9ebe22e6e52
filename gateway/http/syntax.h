/* syntax: the character classes and small productions that HTTP's grammars share (RFC 9110,
 * section 5.6; RFC 3986). Pure. */
#ifndef VOTE_HTTP_SYNTAX_H
#define VOTE_HTTP_SYNTAX_H

#include "proto/base/str.h"

enum http_class {
    HTTP_TOKEN = 1,  /* tchar, RFC 9110 section 5.6.2 */
    HTTP_FIELD = 2,  /* a field value's byte: VCHAR, SP, HTAB, obs-text; RFC 9110 section 5.5 */
    HTTP_TARGET = 4, /* RFC 3986 and the few more that browsers leave bare; never '#' */
    HTTP_HOST = 8    /* reg-name, RFC 3986 section 3.2.2 */
};

/* http_is: the byte is in the class. */
bool http_is(char c, enum http_class class);

/* http_all: s is not empty and every byte is in the class. */
bool http_all(struct str s, enum http_class class);

/* http_field_line: "name: value" without its CRLF; the value without blanks around it. False unless
 * the name is a token, the colon follows at once, and the value has no control byte but HTAB. A
 * line that begins with a blank (obs-fold) has no token there and fails. RFC 9112, section 5. */
bool http_field_line(struct str line, struct str *out_name, struct str *out_value);

/* http_is_authority: host [":" port], not empty, no user information. RFC 3986, section 3.2. */
bool http_is_authority(struct str s);

/* http_percent_decode: %HH becomes its byte, and '+' a blank if plus_is_blank. Writes at most
 * s.size bytes to out and their count to out_size. False if a '%' is not followed by two digits. */
bool http_percent_decode(struct str s, bool plus_is_blank, char *out, size_t *out_size);

/* http_parameter: one `; name=value` of a media type or disposition, the value a token or a quoted
 * string without escapes. Takes it and the blanks before it from *rest. False when *rest is empty
 * or not well formed: *rest tells which. RFC 9110, section 5.6.6. */
bool http_parameter(struct str *rest, struct str *out_name, struct str *out_value);

/* http_list_next: the next element of a comma-separated list, blanks trimmed, empty ones skipped.
 * False at the end. RFC 9110, section 5.6.1. */
bool http_list_next(struct str *rest, struct str *out_element);

#endif
