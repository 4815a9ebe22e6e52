/* Loading: the templates of a directory, in the order of their names, whatever the file system
 * says. */
#include "gateway/tpl/env.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { LOAD_DEPTH = 16 };

struct load {
    struct tpl_env *env;
    const char *dir;
    struct buf *errors;
    struct arena arena; /* paths */
};

static bool complain(struct load *load, const char *name, int error)
{
    buf_printf(load->errors, "%s:0: %s\n", name, strerror(error));
    return false;
}

static bool load_file(struct load *load, const char *name, const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return complain(load, name, errno);
    struct buf source = {0};
    size_t got;
    do {
        got = fread(buf_reserve(&source, 65536), 1, 65536, file);
        source.size += got;
    } while (got > 0 && source.size <= TPL_SOURCE_MAX);
    bool good = ferror(file) ? complain(load, name, EIO)
                             : tpl_env_add(load->env, name, buf_str(&source), load->errors);
    fclose(file);
    buf_free(&source);
    return good;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool load_dir(struct load *load, const char *prefix, const char *path, int depth);

/* prefix: of the names of templates, "" or ending in "/". Files of other kinds are left alone. */
static bool load_entry(struct load *load, const char *prefix, const char *entry, int depth)
{
    const char *name = arena_printf(&load->arena, "%s%s", prefix, entry);
    const char *path = arena_printf(&load->arena, "%s/%s", load->dir, name);
    struct stat status;
    if (stat(path, &status) != 0)
        return complain(load, name, errno);
    if (S_ISDIR(status.st_mode))
        return load_dir(load, arena_printf(&load->arena, "%s/", name), path, depth + 1);
    if (S_ISREG(status.st_mode) && str_ends(str_from(name), STR(".html")))
        return load_file(load, name, path);
    return true;
}

static bool load_dir(struct load *load, const char *prefix, const char *path, int depth)
{
    struct dirent **entries = NULL;
    if (depth > LOAD_DEPTH)
        return complain(load, path, ELOOP);
    int count = scandir(path, &entries, is_visible, alphasort);
    if (count < 0)
        return complain(load, path, errno);
    bool good = true;
    for (int i = 0; i < count; i++) {
        good &= load_entry(load, prefix, entries[i]->d_name, depth);
        free(entries[i]);
    }
    free(entries);
    return good;
}

bool tpl_env_load(struct tpl_env *env, const char *dir, struct buf *out_errors)
{
    struct load load = {.env = env, .dir = dir, .errors = out_errors};
    bool loaded = load_dir(&load, "", dir, 0);
    bool linked = tpl_env_link(env, out_errors);
    env->linked &= loaded;
    arena_free(&load.arena);
    return loaded && linked;
}
