/* multipart: the decoder of multipart/form-data, strict (RFC 7578, RFC 2046 section 5.1.1). Pure.
 */
#ifndef VOTE_HTTP_MULTIPART_H
#define VOTE_HTTP_MULTIPART_H

#include "gateway/http/form.h"

/* http_multipart_parse: parameters: what follows "multipart/form-data", the boundary in it.
 *
 * Taken: no preamble, CRLF line ends, each part with one Content-Disposition: form-data that has a
 * name, an optional Content-Type (of a field that is no file: text/plain in UTF-8), nothing behind
 * the closing boundary but one CRLF. Names are read as browsers write them: %22, %0D and %0A stand
 * for '"', CR and LF. Returns 0, 400, 413 or 415 as http_form_parse does. */
int http_multipart_parse(struct arena *arena, const struct http_form_limits *limits,
                         struct str parameters, struct str body, struct http_form *out);

#endif
