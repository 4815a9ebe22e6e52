/* A secret is followed in keys.def by its _file and its _env: that is how they are found here. */
#include "proto/config/values.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static bool is_given(const struct value *value)
{
    return value->items[0].size > 0;
}

#define WRONG(id, ...)                                    \
    mistakes_add(&values->mistakes, values->of[id].place, \
                 str_from(key_path(&keys[id], (char[KEY_PATH]){0})), __VA_ARGS__)

/* The secret found under `id`, a _file or an _env, takes the same bounds as one in the file. */
static void keep(struct values *values, size_t secret, size_t id, struct str found)
{
    if (found.size == 0 || (int64_t)found.size > keys[secret].max)
        WRONG(id, "holds %zu bytes, expected 1 to %lld", found.size, (long long)keys[secret].max);
    else if (!str_is_utf8(found) || str_has_control(found))
        WRONG(id, "holds more than a line of text, expected one, in UTF-8");
    else
        values->of[secret].secret = found;
}

static ssize_t read_all(const char *path, char *bytes, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t got = 0, n;
    while ((n = read(fd, bytes + got, size - (size_t)got)) > 0)
        got += n;
    int error = errno;
    close(fd);
    errno = error;
    return n < 0 ? -1 : got;
}

static void read_file(struct values *values, size_t secret, size_t id)
{
    size_t size = (size_t)keys[secret].max + 3; /* a line break, and a byte that is too many */
    char *bytes = arena_alloc(&values->arena, size);
    ssize_t got = read_all(arena_cstr(&values->arena, values->of[id].items[0]), bytes, size);
    if (got < 0) {
        WRONG(id, "cannot be read (%s), expected a file that holds the secret", strerror(errno));
        return;
    }
    struct str line = str_make(bytes, (size_t)got);
    if (str_ends(line, STR("\n")))
        line.size--;
    if (str_ends(line, STR("\r")))
        line.size--;
    keep(values, secret, id, line);
}

static void read_env(struct values *values, size_t secret, size_t id)
{
    const char *text = getenv(arena_cstr(&values->arena, values->of[id].items[0]));
    if (text)
        keep(values, secret, id, arena_str(&values->arena, str_from(text)));
    else
        WRONG(id, "the environment has no variable of this name, expected one with the secret");
}

void values_read_secrets(struct values *values)
{
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (keys[i].kind != KEY_SECRET)
            continue;
        size_t file = i + 1, env = i + 2;
        bool by_text = is_given(&values->of[i]), by_file = is_given(&values->of[file]),
             by_env = is_given(&values->of[env]);
        if (by_text + by_file + by_env > 1)
            WRONG(by_env ? env : file, "is one way too many, expected one of %s, %s and %s",
                  keys[i].name, keys[file].name, keys[env].name);
        else if (by_file)
            read_file(values, i, file);
        else if (by_env)
            read_env(values, i, env);
        else
            values->of[i].secret = values->of[i].items[0];
    }
}
