/* static_listing: what a directory holds, as a page. Blocks for the disk. */
#ifndef VOTE_GATEWAY_STATIC_LISTING_H
#define VOTE_GATEWAY_STATIC_LISTING_H

#include "gateway/static_place.h"
#include "proto/base/arena.h"
#include "proto/base/buf.h"

enum { STATIC_LISTING_MAX = 4096 }; /* entries shown */

/* static_listing: append to out the page for the directory `name` ("" or "css/" or "css") of all
 * places together, a link for each file and directory that would be served, in the order of their
 * names. url: the decoded path that was asked for. Returns 0, or the status of static_open if no
 * place has such a directory. */
int static_listing(const struct static_place *places, size_t count, enum static_links links,
                   struct str url, const char *name, struct arena *arena, struct buf *out);

#endif
