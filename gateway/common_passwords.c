#include "gateway/common_passwords.h"

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/die.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct common_passwords {
    struct arena arena; /* of the texts */
    struct str *sorted; /* by compare */
    size_t count, capacity;
};

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : (unsigned char)c;
}

static int compare(const void *left, const void *right)
{
    const struct str *a = left, *b = right;
    for (size_t i = 0; i < a->size && i < b->size; i++)
        if (lower(a->data[i]) != lower(b->data[i]))
            return lower(a->data[i]) < lower(b->data[i]) ? -1 : 1;
    return a->size < b->size ? -1 : a->size > b->size;
}

static void add(struct common_passwords *passwords, struct str line)
{
    if (line.size == 0 || line.data[0] == '#')
        return;
    if (passwords->count == passwords->capacity) {
        passwords->capacity = passwords->capacity ? 2 * passwords->capacity : 256;
        passwords->sorted =
            realloc(passwords->sorted, passwords->capacity * sizeof *passwords->sorted);
        if (!passwords->sorted)
            die("out of memory");
    }
    passwords->sorted[passwords->count++] = line;
}

static bool read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    size_t n;
    while ((n = fread(buf_reserve(out, 4096), 1, 4096, file)) > 0)
        out->size += n;
    int error = ferror(file) ? errno : 0;
    fclose(file);
    errno = error;
    return error == 0;
}

struct common_passwords *common_passwords_load(const char *path)
{
    struct buf text = {0};
    if (*path && !read_file(path, &text)) {
        buf_free(&text);
        return NULL;
    }
    struct common_passwords *passwords = calloc(1, sizeof *passwords);
    if (!passwords)
        die("out of memory");
    struct str rest = arena_str(&passwords->arena, buf_str(&text)), line;
    while (str_cut(&rest, '\n', &line))
        add(passwords, str_trim(line, "\r"));
    if (passwords->count)
        qsort(passwords->sorted, passwords->count, sizeof *passwords->sorted, compare);
    buf_free(&text);
    return passwords;
}

void common_passwords_free(struct common_passwords *passwords)
{
    if (!passwords)
        return;
    arena_free(&passwords->arena);
    free(passwords->sorted);
    free(passwords);
}

bool common_passwords_has(const struct common_passwords *passwords, struct str password)
{
    return passwords->count && bsearch(&password, passwords->sorted, passwords->count,
                                       sizeof *passwords->sorted, compare);
}
