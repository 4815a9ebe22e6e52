#include "gateway/static.h"

#include "gateway/http/date.h"
#include "gateway/http/form.h"
#include "gateway/http/target.h"
#include "gateway/static_open.h"
#include "gateway/static_version.h"
#include "proto/base/clock.h"
#include "proto/base/die.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BODY_MAX = 16384 }; /* bytes answered from memory; larger by sendfile */

/* Where names of one kind are. */
struct place {
    char *name; /* owned: "css/lib.css", "lib/", or "" for a root */
    char *file; /* owned: of an alias to one file, its name in directory; else NULL */
    int directory;
};

struct static_files {
    struct place *places; /* aliases, then roots */
    size_t count;
    enum static_links links;
    struct static_versions versions;
};

static const struct {
    const char *extension, *type;
} types[] = {
    {"avif", "image/avif"},
    {"css", "text/css; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"gif", "image/gif"},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"ico", "image/vnd.microsoft.icon"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json; charset=utf-8"},
    {"map", "application/json; charset=utf-8"},
    {"md", "text/markdown; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"otf", "font/otf"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"svg", "image/svg+xml"},
    {"ttf", "font/ttf"},
    {"txt", "text/plain; charset=utf-8"},
    {"wasm", "application/wasm"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xml", "application/xml"},
    {"zip", "application/zip"},
};

const char *static_type(struct str name)
{
    const char *slash = name.size ? memrchr(name.data, '/', name.size) : NULL;
    const char *dot = name.size ? memrchr(name.data, '.', name.size) : NULL;
    if (dot && (!slash || dot > slash)) {
        struct str extension = str_make(dot + 1, (size_t)(name.data + name.size - dot - 1));
        for (size_t i = 0; i < sizeof types / sizeof *types; i++)
            if (str_equal_nocase(extension, str_from(types[i].extension)))
                return types[i].type;
    }
    return "application/octet-stream";
}

/* ---- places -------------------------------------------------------------------------------- */

static char *copy(const char *text)
{
    char *own = strdup(text);
    if (!own)
        die("out of memory");
    return own;
}

/* path: a directory, or, when `to_file`, a file in one. */
static bool place_open(struct place *place, const char *name, const char *path, bool to_file)
{
    char *directory = copy(path);
    place->name = copy(name);
    place->file = NULL;
    if (to_file) {
        char *slash = strrchr(directory, '/');
        place->file = copy(slash ? slash + 1 : directory);
        if (slash)
            slash[slash == directory] = '\0';
    }
    bool here = to_file && !strchr(path, '/');
    place->directory = open(here ? "." : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(directory);
    return place->directory >= 0;
}

static bool ends_with_slash(const char *text)
{
    size_t size = strlen(text);
    return size == 0 || text[size - 1] == '/';
}

struct static_files *static_new(const struct static_config *config, char *out_error,
                                size_t error_size)
{
    size_t count = config->alias_count + config->root_count;
    struct static_files *files = calloc(1, sizeof *files);
    struct place *places = calloc(count ? count : 1, sizeof *places);
    if (!files || !places)
        die("out of memory");
    files->places = places;
    files->links = config->follow_symlinks ? STATIC_LINKS_FOLLOWED
                   : config->no_openat2    ? STATIC_LINKS_CHECKED
                                           : STATIC_LINKS_BENEATH;
    while (files->count < count) {
        size_t i = files->count++;
        bool is_alias = i < config->alias_count;
        const char *name = is_alias ? config->aliases[i].name : "";
        const char *path =
            is_alias ? config->aliases[i].path : config->roots[i - config->alias_count];
        if (!place_open(&places[i], name, path, !ends_with_slash(name))) {
            snprintf(out_error, error_size, "%s: %s", path, strerror(errno));
            static_free(files);
            return NULL;
        }
    }
    return files;
}

void static_free(struct static_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        if (files->places[i].directory >= 0)
            close(files->places[i].directory);
        free(files->places[i].name);
        free(files->places[i].file);
    }
    static_versions_free(&files->versions);
    free(files->places);
    free(files);
}

/* The name inside the place, or NULL if the name is not of it. */
static const char *name_in(const struct place *place, const char *name)
{
    if (place->file)
        return strcmp(place->name, name) == 0 ? place->file : NULL;
    size_t size = strlen(place->name);
    return strncmp(place->name, name, size) == 0 ? name + size : NULL;
}

/* As static_open; the operator's own alias to a file may be a symlink to anywhere. */
static int open_name(struct static_files *files, struct arena *arena, struct str name, int *out_fd,
                     struct stat *out_stat)
{
    if (!http_path_is_plain(name) || str_starts(name, STR("/")))
        return 404;
    const char *text = arena_cstr(arena, name);
    int status = 404;
    for (size_t i = 0; i < files->count && status == 404; i++) {
        const struct place *place = &files->places[i];
        const char *inside = name_in(place, text);
        if (inside)
            status =
                static_open(place->directory, inside,
                            place->file ? STATIC_LINKS_FOLLOWED : files->links, out_fd, out_stat);
    }
    return status;
}

/* ---- conditions ---------------------------------------------------------------------------- */

/* Weak comparison over a list of entity tags; what is not well formed ends it. RFC 9110, 13.1.2. */
static bool none_match_holds(struct str list, struct str etag)
{
    if (str_equal(list, STR("*")))
        return false;
    struct str opaque;
    while (list.size) {
        list = str_trim(list, " \t,");
        if (str_starts(list, STR("W/")))
            list = str_make(list.data + 2, list.size - 2);
        if (!list.size || list.data[0] != '"')
            break;
        ptrdiff_t quote = str_find(str_make(list.data + 1, list.size - 1), '"');
        if (quote < 0)
            break;
        opaque = str_make(list.data, (size_t)quote + 2);
        if (str_equal(opaque, etag))
            return false;
        list = str_make(list.data + opaque.size, list.size - opaque.size);
    }
    return true;
}

static bool is_unmodified(const struct http_request *request, struct str etag, time_t modified)
{
    bool has_tags = false;
    int64_t since;
    for (size_t i = 0; i < request->header_count; i++) {
        if (!str_equal_nocase(request->headers[i].name, STR("if-none-match")))
            continue;
        has_tags = true;
        if (!none_match_holds(request->headers[i].value, etag))
            return true;
    }
    return !has_tags && http_date_parse(http_header(request, "if-modified-since"), &since) &&
           modified <= since;
}

/* ---- answers ------------------------------------------------------------------------------- */

static bool asks_this_version(struct static_files *files, const struct http_request *request,
                              struct str name, struct arena *arena, int fd, const struct stat *stat)
{
    static const struct http_form_limits limits = {.fields = 4, .name = 64, .value = 64};
    struct http_form form;
    if (!request->query.size || http_form_parse_query(arena, &limits, request->query, &form))
        return false;
    const struct http_field *v = http_form_get(&form, "v");
    if (!v || v->value.size != STATIC_VERSION_TEXT)
        return false;
    return str_equal(v->value, static_versions_of(&files->versions, name, fd, stat, clock_ms()));
}

/* From memory when small; false if the file cannot be read. Takes the descriptor. */
static bool attach(struct http_response *response, struct arena *arena, int fd, off_t size)
{
    if (size > BODY_MAX) {
        response->has_file = true;
        response->file = (struct http_file){.fd = fd, .size = size};
        return true;
    }
    char *body = arena_alloc(arena, (size_t)size + 1);
    ssize_t n = pread(fd, body, (size_t)size, 0);
    close(fd);
    response->body = str_make(body, (size_t)size);
    return n == size;
}

static void serve_file(struct static_files *files, const struct http_request *request,
                       struct str name, struct arena *arena, struct http_response *out, int fd,
                       const struct stat *stat)
{
    char *modified = arena_alloc(arena, HTTP_DATE_TEXT + 1);
    http_date_print(stat->st_mtim.tv_sec, modified);
    struct str etag = str_from(arena_printf(arena, "\"%llx-%llx\"",
                                            (unsigned long long)stat->st_mtim.tv_sec * 1000000000u +
                                                (unsigned long long)stat->st_mtim.tv_nsec,
                                            (unsigned long long)stat->st_size));
    bool immutable = asks_this_version(files, request, name, arena, fd, stat);
    if (is_unmodified(request, etag, stat->st_mtim.tv_sec)) {
        *out = http_response_make(304, NULL, STR(""));
        close(fd);
    } else {
        *out = http_response_make(200, static_type(name), STR(""));
        if (!attach(out, arena, fd, stat->st_size)) {
            *out = http_error_response(arena, 500);
            return;
        }
    }
    http_response_add(out, "ETag", etag);
    http_response_add(out, "Last-Modified", str_from(modified));
    http_response_add(out, "Cache-Control",
                      immutable ? STR("public, max-age=31536000, immutable") : STR("no-cache"));
}

void static_serve(struct static_files *files, const struct http_request *request, struct str name,
                  struct arena *arena, struct http_response *out)
{
    struct stat stat;
    int fd;
    if (request->method != HTTP_GET && request->method != HTTP_HEAD) {
        *out = http_error_response(arena, 405);
        http_response_add(out, "Allow", http_allow(arena, 1u << HTTP_GET | 1u << HTTP_HEAD));
        return;
    }
    int status = open_name(files, arena, name, &fd, &stat);
    if (status)
        *out = http_error_response(arena, status);
    else
        serve_file(files, request, name, arena, out, fd, &stat);
}

struct str static_version(struct static_files *files, struct str name)
{
    int64_t now_ms = clock_ms();
    struct str version = static_versions_find(&files->versions, name, now_ms);
    if (version.size)
        return version;
    struct arena arena = {0};
    struct stat stat;
    int fd;
    if (open_name(files, &arena, name, &fd, &stat) == 0) {
        version = static_versions_of(&files->versions, name, fd, &stat, now_ms);
        close(fd);
    }
    arena_free(&arena);
    return version;
}
