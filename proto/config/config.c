#include "proto/config/config.h"

#include "proto/base/die.h"
#include "proto/config/reader.h"
#include "proto/config/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const usual_files[] = {"config/vote.yaml", "/etc/vote/vote.yaml"};

struct config_own {
    struct arena arena;
    const struct cyaml_schema_value *schema;
    struct str printed;
};

/* The usual places count as absent only if they are. -1: none could be opened, *name is to blame.
 */
static int open_file(const char **name)
{
    if (*name)
        return open(*name, O_RDONLY | O_CLOEXEC);
    for (size_t i = 0; i < sizeof usual_files / sizeof *usual_files; i++) {
        *name = usual_files[i];
        int fd = open(*name, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 || errno != ENOENT)
            return fd;
    }
    *name = "config/vote.yaml, /etc/vote/vote.yaml";
    return -1;
}

/* False when it cannot be read to its end. Past the limit one more byte is taken, to tell. */
static bool read_all(int fd, struct buf *out)
{
    while (out->size <= CONFIG_FILE_MAX) {
        ssize_t n = read(fd, buf_reserve(out, 16384), 16384);
        if (n <= 0)
            return n == 0;
        out->size += (size_t)n;
    }
    return true;
}

static void read_file(struct values *values, const char *name)
{
    struct buf text = {0};
    int fd = open_file(&name);
    struct place place = {name, 0};
    if (fd < 0 || !read_all(fd, &text))
        mistakes_add(&values->mistakes, place, STR("file"), "%s, expected a file that can be read",
                     strerror(errno));
    else if (text.size > CONFIG_FILE_MAX)
        mistakes_add(&values->mistakes, place, STR("file"),
                     "is too large, expected %d bytes at most", CONFIG_FILE_MAX);
    else
        reader_read(values, name, buf_str(&text));
    if (fd >= 0)
        close(fd);
    buf_free(&text);
}

static void apply_override(struct values *values, const struct config_override *override, int index)
{
    char nearest[KEY_PATH];
    struct place place = {override->origin, PLACE_OVERRIDE + index};
    struct str path = str_from(override->key);
    const struct key *key = key_find(path);
    if (key)
        values_set_text(values, key, place, arena_str(&values->arena, str_from(override->value)));
    else
        mistakes_add(&values->mistakes, place, path, "is no known key, expected one like %s",
                     key_nearest(path, nearest));
}

/* What is printed and what is loaded are the same document, but for the secrets. */
static struct config *make(const struct values *values)
{
    struct buf document = {0};
    struct arena arena = {0};
    struct config_own *own = arena_new(&arena, struct config_own);
    own->schema = schema_new(&arena);
    values_write(values, VALUES_MASKED, &document);
    own->printed = arena_str(&arena, buf_str(&document));
    buf_reset(&document);
    values_write(values, VALUES_FULL, &document);
    struct config *config = schema_load(own->schema, buf_str(&document));
    buf_free(&document);
    own->arena = arena;
    config->own = own;
    return config;
}

bool config_load(const struct config_args *args, struct config **out, struct buf *out_errors)
{
    struct values values;
    values_init(&values);
    read_file(&values, args->file);
    for (size_t i = 0; i < args->override_count; i++)
        apply_override(&values, &args->overrides[i], (int)i);
    values_check_rules(&values);
    if (args->secrets)
        values_read_secrets(&values);
    bool good = !mistakes_report(&values.mistakes, out_errors);
    if (good)
        *out = make(&values);
    values_free(&values);
    return good;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    struct config_own *own = config->own;
    struct arena arena = own->arena;
    schema_free(own->schema, config);
    arena_free(&arena);
}

void config_print(const struct config *config, struct buf *out)
{
    buf_add_str(out, config->own->printed);
}
