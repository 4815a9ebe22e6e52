/* gzip: the one door to zlib. One thread. */
#ifndef VOTE_GATEWAY_GZIP_H
#define VOTE_GATEWAY_GZIP_H

#include "proto/base/buf.h"

struct gzip;

struct gzip *gzip_new(void);

/* gzip_free: NULL is allowed. */
void gzip_free(struct gzip *gzip);

/* gzip_add: append s, compressed, to out (RFC 1952). Takes about a millisecond for 50 KB. */
void gzip_add(struct gzip *gzip, struct str s, struct buf *out);

#endif
