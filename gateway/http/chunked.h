/* chunked: the chunked transfer coding, strict (RFC 9112, section 7.1). Pure; a byte at a time
 * where it frames, in bulk where it carries. */
#ifndef VOTE_HTTP_CHUNKED_H
#define VOTE_HTTP_CHUNKED_H

#include "proto/base/buf.h"

enum http_chunked_state {
    CHUNK_SIZE_FIRST, /* at least one digit */
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER_START,
    CHUNK_TRAILER_NAME,
    CHUNK_TRAILER_VALUE,
    CHUNK_TRAILER_LF,
    CHUNK_LAST_LF,
    CHUNK_DONE,
    CHUNK_FAILED
};

/* All zero is the start of a body. */
struct http_chunked {
    enum http_chunked_state state;
    int status;    /* CHUNK_FAILED: 400, 413 or 431 */
    size_t left;   /* bytes of the chunk still to come; while its size is read, the size so far */
    size_t digits; /* of the chunk size, leading zeros too */
    size_t extra;  /* bytes of extensions and trailers so far */
};

enum {
    CHUNK_DIGITS_MAX = 16,
    CHUNK_EXTRA_MAX = 8190 /* extensions and trailers together: read, checked, forgotten */
};

/* http_chunked_feed: take bytes from input and append what they carry to body, which never holds
 * more than body_limit bytes. Returns the count taken: all, unless the state became CHUNK_DONE (the
 * rest belongs to the next message) or CHUNK_FAILED. */
size_t http_chunked_feed(struct http_chunked *chunked, struct str input, size_t body_limit,
                         struct buf *body);

#endif
