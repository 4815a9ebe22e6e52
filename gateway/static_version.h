/* static_version: what a file's content hashes to, remembered while its time and size stay. One
 * thread. Blocks for the disk. */
#ifndef VOTE_GATEWAY_STATIC_VERSION_H
#define VOTE_GATEWAY_STATIC_VERSION_H

#include "proto/base/str.h"

#include <sys/stat.h>

enum { STATIC_VERSION_TEXT = 16, STATIC_VERSION_BUCKETS = 64 };

struct static_versions {
    struct static_version *buckets[STATIC_VERSION_BUCKETS];
};

/* static_versions_find: the version of name if it was looked at less than a second ago. Borrowed;
 * empty if not. now_ms: clock_ms. */
struct str static_versions_find(struct static_versions *versions, struct str name, int64_t now_ms);

/* static_versions_of: the version of the open file, read again only if time or size changed.
 * Borrowed until the next call; empty if it is too large or cannot be read. */
struct str static_versions_of(struct static_versions *versions, struct str name, int fd,
                              const struct stat *stat, int64_t now_ms);

void static_versions_free(struct static_versions *versions);

#endif
