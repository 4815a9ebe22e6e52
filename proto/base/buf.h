/* buf: bytes that grow at the end and are taken from the front. One thread at a time.
 *
 * Growth never fails: out of memory is die(). Who appends bytes from outside checks its own limit.
 */
#ifndef VOTE_BASE_BUF_H
#define VOTE_BASE_BUF_H

#include "proto/base/str.h"

struct buf {
    char *data;      /* owned */
    size_t size;     /* bytes in use */
    size_t capacity; /* bytes allocated */
};

/* buf_reserve: room for `extra` more bytes behind size; returns where they start. */
char *buf_reserve(struct buf *buf, size_t extra);

void buf_add(struct buf *buf, const void *data, size_t size);
void buf_add_str(struct buf *buf, struct str s);
void buf_add_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* buf_add_int: decimal digits of value. */
void buf_add_int(struct buf *buf, int64_t value);

/* buf_str: the content, borrowed until the next change. */
struct str buf_str(const struct buf *buf);

/* buf_consume: drop `size` bytes from the front (size ≤ buf->size); the rest moves down. */
void buf_consume(struct buf *buf, size_t size);

/* buf_reset: empty, memory kept. buf_free: empty, memory given back. */
void buf_reset(struct buf *buf);
void buf_free(struct buf *buf);

#endif
