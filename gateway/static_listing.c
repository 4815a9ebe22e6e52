#include "gateway/static_listing.h"

#include "gateway/http/target.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

struct entries {
    struct arena *arena;
    const char *names[STATIC_LISTING_MAX]; /* a directory's ends with '/' */
    size_t count;
};

static bool is_served(const struct static_place *place, enum static_links links, const char *name,
                      enum static_kind kind)
{
    int fd;
    struct stat stat;
    if (static_place_find(place, links, name, kind, &fd, &stat) != 0)
        return false;
    close(fd);
    return true;
}

static void add_entry(struct entries *entries, const struct static_place *place,
                      enum static_links links, const char *inside, const char *name)
{
    if (entries->count == STATIC_LISTING_MAX || !http_path_is_plain(str_from(name)))
        return;
    const char *slash = *inside && !str_ends(str_from(inside), STR("/")) ? "/" : "";
    const char *path = arena_printf(entries->arena, "%s%s%s", inside, slash, name);
    bool is_directory = is_served(place, links, path, STATIC_DIRECTORY);
    if (is_directory || is_served(place, links, path, STATIC_FILE))
        entries->names[entries->count++] =
            arena_printf(entries->arena, "%s%s", name, is_directory ? "/" : "");
}

static int read_directory(struct entries *entries, const struct static_place *place,
                          enum static_links links, const char *inside)
{
    int fd;
    struct stat stat;
    int status = static_place_find(place, links, inside, STATIC_DIRECTORY, &fd, &stat);
    if (status)
        return status;
    DIR *directory = fdopendir(fd);
    if (!directory) {
        close(fd);
        return 503;
    }
    for (struct dirent *entry; (entry = readdir(directory));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            add_entry(entries, place, links, inside, entry->d_name);
    closedir(directory);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* ---- the page ------------------------------------------------------------------------------ */

static void add_escaped(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.size; i++) {
        char c = s.data[i];
        switch (c) {
        case '&':
        case '<':
        case '>':
        case '"':
        case '\'':
            buf_printf(out, "&#%d;", c);
            break;
        default:
            buf_add_char(out, c);
        }
    }
}

/* As a path in an attribute: everything but RFC 3986's unreserved bytes and '/' is escaped. */
static void add_url(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.size; i++) {
        unsigned char c = (unsigned char)s.data[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (alnum || (c && strchr("-._~/", c)))
            buf_add_char(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

static void print_page(const struct entries *entries, struct str url, struct buf *out)
{
    buf_add_str(out,
                STR("<!DOCTYPE html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<title>"));
    add_escaped(out, url);
    buf_add_str(out, STR("</title>\n</head>\n<body>\n<h1>"));
    add_escaped(out, url);
    buf_add_str(out, STR("</h1>\n<ul>\n"));
    for (size_t i = 0; i < entries->count; i++) {
        if (i && strcmp(entries->names[i - 1], entries->names[i]) == 0)
            continue; /* in two places */
        buf_add_str(out, STR("<li><a href=\""));
        add_url(out, url);
        add_url(out, str_from(entries->names[i]));
        buf_add_str(out, STR("\">"));
        add_escaped(out, str_from(entries->names[i]));
        buf_add_str(out, STR("</a></li>\n"));
    }
    buf_add_str(out, STR("</ul>\n</body>\n</html>\n"));
}

int static_listing(const struct static_place *places, size_t count, enum static_links links,
                   struct str url, const char *name, struct arena *arena, struct buf *out)
{
    struct entries *entries = arena_new(arena, struct entries);
    int status = 404;
    entries->arena = arena;
    for (size_t i = 0; i < count; i++) {
        const char *inside = places[i].file ? NULL : static_place_inside(&places[i], name);
        int found = inside ? read_directory(entries, &places[i], links, inside) : 404;
        if (found == 0 || status == 404)
            status = found;
    }
    if (status)
        return status;
    qsort(entries->names, entries->count, sizeof *entries->names, by_name);
    if (!str_ends(url, STR("/")))
        url = str_from(arena_printf(arena, "%.*s/", STR_ARG(url)));
    print_page(entries, url, out);
    return 0;
}
