#include "gateway/static_cache.h"

#include "proto/base/die.h"

#include <stdlib.h>
#include <unistd.h>

static void forget(struct static_file *file)
{
    if (!file->name)
        return;
    for (int i = 0; i < STATIC_CODINGS; i++) {
        if (file->copies[i].fd >= 0)
            close(file->copies[i].fd);
        free(file->copies[i].body);
    }
    free(file->name);
    *file = (struct static_file){0};
}

struct static_file *static_cache_find(struct static_cache *cache, struct str name, int64_t now_ms)
{
    for (size_t i = 0; i < STATIC_CACHE_FILES; i++) {
        struct static_file *file = &cache->files[i];
        if (!file->name || !str_equal(str_from(file->name), name))
            continue;
        if (now_ms - file->opened_ms >= STATIC_FRESH_MS) {
            forget(file);
            return NULL;
        }
        file->used = ++cache->uses;
        return file;
    }
    return NULL;
}

struct static_file *static_cache_add(struct static_cache *cache, struct str name, int64_t now_ms)
{
    struct static_file *oldest = &cache->files[0]; /* a free place was used at 0 */
    for (size_t i = 1; i < STATIC_CACHE_FILES; i++)
        if (cache->files[i].used < oldest->used)
            oldest = &cache->files[i];
    forget(oldest);
    oldest->name = strndup(name.data, name.size);
    if (!oldest->name)
        die("out of memory");
    oldest->opened_ms = now_ms;
    oldest->used = ++cache->uses;
    for (int i = 0; i < STATIC_CODINGS; i++)
        oldest->copies[i].fd = -1;
    return oldest;
}

void static_cache_free(struct static_cache *cache)
{
    for (size_t i = 0; i < STATIC_CACHE_FILES; i++)
        forget(&cache->files[i]);
}
