/* Rule: a secret leaves no copy behind but the one the caller asked for. */
#include "proto/curve.h"

#include "proto/base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               ".-:+=^!/*?&<>()[]{}@%$#";

enum { GROUP = 5 }; /* characters that stand for 32 bits */

bool curve_key_equal(const struct curve_key *a, const struct curve_key *b)
{
    return memcmp(a->text, b->text, sizeof a->text) == 0;
}

/* RFC 32: five digits to the base of 85, which can say more than 32 bits hold. */
static bool is_group(const char *text)
{
    uint64_t value = 0;
    for (size_t i = 0; i < GROUP; i++) {
        const char *digit = text[i] ? strchr(alphabet, text[i]) : NULL;
        if (!digit)
            return false;
        value = value * 85 + (uint64_t)(digit - alphabet);
    }
    return value <= UINT32_MAX;
}

bool curve_key_parse(struct str text, struct curve_key *out)
{
    if (text.size != CURVE_KEY)
        return false;
    for (size_t i = 0; i < CURVE_KEY; i += GROUP)
        if (!is_group(text.data + i))
            return false;
    memcpy(out->text, text.data, CURVE_KEY);
    out->text[CURVE_KEY] = '\0';
    return true;
}

static bool is_comment(struct str line)
{
    return line.size == 0 || line.data[0] == '#';
}

bool curve_keys_parse(struct str text, struct arena *arena, struct curve_keys *out,
                      size_t *out_line)
{
    *out = (struct curve_keys){
        .keys = arena_array(arena, text.size / CURVE_KEY + 1, sizeof *out->keys)};
    struct str line;
    for (*out_line = 1; str_cut(&text, '\n', &line); ++*out_line) {
        line = str_trim(line, " \t\r");
        if (is_comment(line))
            continue;
        struct str word = line;
        word.size = word.size > CURVE_KEY ? CURVE_KEY : word.size;
        bool ends =
            line.size == word.size || line.data[word.size] == ' ' || line.data[word.size] == '\t';
        if (!ends || !curve_key_parse(word, &out->keys[out->count]))
            return false;
        out->count++;
    }
    return true;
}

/* ---- files --------------------------------------------------------------------------------- */

/* NULL, or what is wrong with it. */
static const char *read_all(int fd, mode_t forbidden, struct buf *out)
{
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        return strerror(errno);
    if (!S_ISREG(status.st_mode))
        return "is no file";
    if (status.st_mode & forbidden)
        return forbidden & S_IROTH ? "others may read it, expected mode 0600 or 0640"
                                   : "others may write it, expected mode 0644 or less";
    ssize_t n;
    buf_reserve(out, CURVE_FILE_MAX + 1); /* once: growing would leave a copy behind */
    while ((n = read(fd, out->data + out->size, CURVE_FILE_MAX + 1 - out->size)) > 0)
        out->size += (size_t)n;
    if (n < 0)
        return strerror(errno);
    return out->size > CURVE_FILE_MAX ? "is too large for a file of keys" : NULL;
}

static const char *parse(struct str text, struct arena *arena, struct curve_keys *out)
{
    size_t line;
    if (curve_keys_parse(text, arena, out, &line))
        return NULL;
    return arena_printf(arena, "line %zu is no CURVE key, expected %d characters of Z85", line,
                        CURVE_KEY);
}

static bool read_keys(const char *path, mode_t forbidden, struct curve_keys *out,
                      struct arena *arena, const char **out_error)
{
    struct buf text = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const char *why = read_all(fd, forbidden, &text);
    if (!why)
        why = parse(buf_str(&text), arena, out);
    if (why)
        *out_error = arena_printf(arena, "%s: %s", path, why);
    if (fd >= 0)
        close(fd);
    if (text.data)
        explicit_bzero(text.data, text.size);
    buf_free(&text);
    return !why;
}

static bool read_one(const char *path, mode_t forbidden, struct curve_key *out, struct arena *arena,
                     const char **out_error)
{
    struct curve_keys found = {0};
    bool good = read_keys(path, forbidden, &found, arena, out_error);
    if (good && found.count != 1) {
        *out_error = arena_printf(arena, "%s: holds %zu keys, expected 1", path, found.count);
        good = false;
    }
    if (good)
        *out = found.keys[0];
    if (found.keys)
        explicit_bzero(found.keys, found.count * sizeof *found.keys);
    return good;
}

bool curve_secret_read(const char *path, struct curve_key *out, struct arena *arena,
                       const char **out_error)
{
    return read_one(path, S_IROTH | S_IWOTH, out, arena, out_error);
}

bool curve_public_read(const char *path, struct curve_key *out, struct arena *arena,
                       const char **out_error)
{
    return read_one(path, S_IWOTH, out, arena, out_error);
}

bool curve_public_read_all(const char *path, struct curve_keys *out, struct arena *arena,
                           const char **out_error)
{
    return read_keys(path, S_IWOTH, out, arena, out_error);
}
