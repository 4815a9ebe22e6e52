/* parser: one HTTP/1 request from its bytes, strict RFC 9112, in any number of pieces.
 *
 * Pure: it sees bytes and makes a struct. Where the pieces are cut never changes the result. */
#ifndef VOTE_HTTP_PARSER_H
#define VOTE_HTTP_PARSER_H

#include "gateway/http/chunked.h"
#include "gateway/http/request.h"
#include "proto/base/buf.h"

struct http_limits {     /* in bytes, without the CRLF of a line */
    size_t request_line; /* else 414 */
    size_t header_field; /* one line; else 431 */
    size_t headers;      /* all of them, with each CRLF; else 431 */
    size_t header_count; /* else 431 */
    size_t body;         /* decoded; else 413 */
};

#define HTTP_LIMITS_DEFAULT                     \
    ((struct http_limits){.request_line = 8190, \
                          .header_field = 8190, \
                          .headers = 32768,     \
                          .header_count = 100,  \
                          .body = 1 << 20})

enum http_parse {
    HTTP_PARSE_HEAD,  /* wants more of the request line and headers */
    HTTP_PARSE_BODY,  /* the head is read, request is valid but for its body; wants more */
    HTTP_PARSE_DONE,  /* request is complete */
    HTTP_PARSE_FAILED /* status says why; what follows on the connection has no meaning */
};

struct http_parser {
    const struct http_limits *limits; /* borrowed */
    struct arena *arena;              /* borrowed; the head's bytes live here */
    struct http_request request;      /* valid as far as state says */
    enum http_parse state;
    int status;         /* HTTP_PARSE_FAILED: 400, 413, 414, 417, 431, 501 or 505 */
    bool has_line;      /* the request line was read */
    bool skipped_empty; /* so was an empty line before it: one is allowed */
    bool is_chunked;
    struct buf line;     /* owned; the start of a line whose end has not come */
    struct buf body;     /* owned; request.body points into it */
    size_t header_bytes; /* so far */
    size_t header_room;  /* elements allocated at request.headers */
    size_t content_length;
    struct http_chunked chunked;
};

/* http_parser_init: ready for the first byte of a request. limits and arena must outlive it. */
void http_parser_init(struct http_parser *parser, struct arena *arena,
                      const struct http_limits *limits);

/* http_parser_feed: take bytes from the front of input; returns how many were taken: all of them
 * unless the state became DONE (the rest is the next request) or FAILED. Keeps no pointer into
 * input. Feeding a parser that is DONE or FAILED takes nothing. */
size_t http_parser_feed(struct http_parser *parser, struct str input);

/* http_parser_free: give back the buffers (not the arena). request.body is gone, the rest of
 * request lives as long as the arena. */
void http_parser_free(struct http_parser *parser);

#endif
