#include "gateway/static_version.h"

#include "proto/base/die.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FRESH_MS = 1000, FILE_MAX = 16 << 20, CHUNK = 65536 };

struct static_version {
    struct static_version *next;
    int64_t checked_ms;
    struct timespec modified;
    off_t size;
    char text[STATIC_VERSION_TEXT + 1]; /* "" if it could not be read */
    size_t name_size;
    char name[];
};

/* FNV-1a, 64 bits: tells versions of one file apart, protects nothing. */
static uint64_t hash_add(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *at = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * 0x100000001b3u;
    return hash;
}

static const uint64_t hash_start = 0xcbf29ce484222325u;

static struct static_version **bucket_of(struct static_versions *versions, struct str name)
{
    return &versions->buckets[hash_add(hash_start, name.data, name.size) % STATIC_VERSION_BUCKETS];
}

static struct static_version *find(struct static_versions *versions, struct str name)
{
    for (struct static_version *at = *bucket_of(versions, name); at; at = at->next)
        if (str_equal(str_make(at->name, at->name_size), name))
            return at;
    return NULL;
}

static struct static_version *add(struct static_versions *versions, struct str name)
{
    struct static_version **bucket = bucket_of(versions, name);
    struct static_version *version = calloc(1, sizeof *version + name.size);
    if (!version)
        die("out of memory");
    memcpy(version->name, name.data, name.size);
    version->name_size = name.size;
    version->size = -1;
    version->next = *bucket;
    *bucket = version;
    return version;
}

static bool hash_file(int fd, off_t size, uint64_t *out)
{
    char chunk[CHUNK];
    uint64_t hash = hash_start;
    off_t at = 0;
    while (at < size) {
        ssize_t n = pread(fd, chunk, sizeof chunk, at);
        if (n <= 0)
            return false;
        hash = hash_add(hash, chunk, (size_t)n);
        at += n;
    }
    *out = hash;
    return true;
}

struct str static_versions_find(struct static_versions *versions, struct str name, int64_t now_ms)
{
    struct static_version *version = find(versions, name);
    return version && now_ms - version->checked_ms < FRESH_MS ? str_from(version->text)
                                                              : (struct str){0};
}

struct str static_versions_of(struct static_versions *versions, struct str name, int fd,
                              const struct stat *stat, int64_t now_ms)
{
    struct static_version *version = find(versions, name);
    if (!version)
        version = add(versions, name);
    version->checked_ms = now_ms;
    if (version->size == stat->st_size && version->modified.tv_sec == stat->st_mtim.tv_sec &&
        version->modified.tv_nsec == stat->st_mtim.tv_nsec)
        return str_from(version->text);
    uint64_t hash;
    version->text[0] = '\0';
    if (stat->st_size <= FILE_MAX && hash_file(fd, stat->st_size, &hash))
        snprintf(version->text, sizeof version->text, "%016llx", (unsigned long long)hash);
    version->size = stat->st_size;
    version->modified = stat->st_mtim;
    return str_from(version->text);
}

void static_versions_free(struct static_versions *versions)
{
    for (size_t i = 0; i < STATIC_VERSION_BUCKETS; i++)
        while (versions->buckets[i]) {
            struct static_version *version = versions->buckets[i];
            versions->buckets[i] = version->next;
            free(version);
        }
}
