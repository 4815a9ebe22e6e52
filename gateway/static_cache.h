/* static_cache: the files served lately, held open, with what a request needs to know of them.
 *
 * Bounded twice: STATIC_CACHE_FILES of them, and none is believed longer than STATIC_FRESH_MS. One
 * thread. */
#ifndef VOTE_GATEWAY_STATIC_CACHE_H
#define VOTE_GATEWAY_STATIC_CACHE_H

#include "proto/base/str.h"

#include <sys/stat.h>

enum { STATIC_CACHE_FILES = 64, STATIC_FRESH_MS = 1000 };

enum static_coding { STATIC_PLAIN, STATIC_BR, STATIC_GZIP, STATIC_CODINGS };

/* A file as it is, or compressed beforehand. */
struct static_copy {
    int fd; /* owned; -1: there is none */
    struct stat stat;
    char *body; /* owned; its bytes if they are few, else NULL */
};

struct static_file {
    char *name; /* owned; NULL: the place is free */
    int64_t opened_ms;
    uint64_t used; /* the higher, the later */
    struct static_copy copies[STATIC_CODINGS];
};

struct static_cache {
    struct static_file files[STATIC_CACHE_FILES];
    uint64_t uses;
};

/* static_cache_find: the file of that name if it is fresh, else NULL: what was kept of it is
 * closed. Borrowed until the next call of static_cache_add. now_ms: clock_ms. */
struct static_file *static_cache_find(struct static_cache *cache, struct str name, int64_t now_ms);

/* static_cache_add: a place for a file that static_cache_find does not have, its copies absent; the
 * one used longest ago makes room. Borrowed likewise. */
struct static_file *static_cache_add(struct static_cache *cache, struct str name, int64_t now_ms);

/* static_cache_free: close all. Empty again. */
void static_cache_free(struct static_cache *cache);

#endif
