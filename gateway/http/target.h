/* target: what a request target names (RFC 9112, section 3.2; RFC 3986). Pure. */
#ifndef VOTE_HTTP_TARGET_H
#define VOTE_HTTP_TARGET_H

#include "gateway/http/request.h"

struct http_target {
    struct str authority; /* of the absolute form, else empty */
    struct str path;      /* see http_path_decode; "*" for the asterisk form */
    struct str query;     /* not decoded */
};

/* http_target_parse: origin-form, absolute-form (http, https), and asterisk-form for OPTIONS alone.
 * False (400) for anything else, for a byte no target has, and for a broken percent-escape. */
bool http_target_parse(struct arena *arena, struct str target, enum http_method method,
                       struct http_target *out);

/* http_path_decode: percent-decode an absolute path, once. False for a broken escape. A path that
 * would mean different things to different readers is "refused": *out is empty, and so matches no
 * route and no file. That is one with an escaped '/', a control byte, bytes that are not UTF-8, an
 * empty segment before the last, or a segment "." or ".." however it is written. */
bool http_path_decode(struct arena *arena, struct str raw, struct str *out);

/* http_path_is_plain: no empty segment before the last, no "." or "..", no control byte, UTF-8. A
 * leading '/' counts as the end of an empty first segment only if another follows. */
bool http_path_is_plain(struct str path);

#endif
