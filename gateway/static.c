#include "gateway/static.h"

#include "gateway/http/coding.h"
#include "gateway/http/condition.h"
#include "gateway/http/date.h"
#include "gateway/http/form.h"
#include "gateway/http/target.h"
#include "gateway/static_cache.h"
#include "gateway/static_listing.h"
#include "gateway/static_place.h"
#include "gateway/static_version.h"
#include "proto/base/clock.h"
#include "proto/base/die.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BODY_MAX = 16384 }; /* bytes answered from memory; larger by sendfile */

struct static_files {
    struct static_place *places; /* aliases, then roots */
    size_t count;
    struct static_place compressed; /* directory -1: not given */
    enum static_links links;
    bool show_index;
    int64_t (*now_ms)(void);
    struct static_cache cache;
    struct static_versions versions;
};

/* By preference where the client has none. */
static const struct {
    enum static_coding coding;
    const char *name, *suffix, *tag;
} codings[] = {
    {STATIC_BR, "br", ".br", "-br"},
    {STATIC_GZIP, "gzip", ".gz", "-gz"},
};

/* ---- life ---------------------------------------------------------------------------------- */

static bool open_places(struct static_files *files, const struct static_config *config,
                        const char **out_path)
{
    size_t count = config->alias_count + config->root_count;
    while (files->count < count) {
        size_t i = files->count++;
        bool is_alias = i < config->alias_count;
        *out_path = is_alias ? config->aliases[i].path : config->roots[i - config->alias_count];
        if (!static_place_open(&files->places[i], is_alias ? config->aliases[i].name : "",
                               *out_path))
            return false;
    }
    *out_path = config->compressed;
    return !config->compressed || !*config->compressed ||
           static_place_open(&files->compressed, "", config->compressed);
}

struct static_files *static_new(const struct static_config *config, char *out_error,
                                size_t error_size)
{
    size_t count = config->alias_count + config->root_count;
    struct static_files *files = calloc(1, sizeof *files);
    const char *path;
    if (!files || !(files->places = calloc(count ? count : 1, sizeof *files->places)))
        die("out of memory");
    files->compressed.directory = -1;
    files->show_index = config->show_index;
    files->now_ms = config->now_ms ? config->now_ms : clock_ms;
    files->links = config->follow_symlinks ? STATIC_LINKS_FOLLOWED
                   : config->no_openat2    ? STATIC_LINKS_CHECKED
                                           : STATIC_LINKS_BENEATH;
    if (!open_places(files, config, &path)) {
        snprintf(out_error, error_size, "%s: %s", path, strerror(errno));
        static_free(files);
        return NULL;
    }
    return files;
}

void static_forget(struct static_files *files)
{
    static_cache_free(&files->cache);
    static_versions_free(&files->versions);
}

void static_free(struct static_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        static_place_close(&files->places[i]);
    static_place_close(&files->compressed);
    static_forget(files);
    free(files->places);
    free(files);
}

/* ---- opening ------------------------------------------------------------------------------- */

/* The place that has the name decides, whatever is in those behind it. */
static int open_plain(struct static_files *files, const char *name, int *out_fd,
                      struct stat *out_stat, const struct static_place **out_place,
                      const char **out_inside)
{
    int status = 404;
    for (size_t i = 0; i < files->count && status == 404; i++) {
        *out_place = &files->places[i];
        *out_inside = static_place_inside(*out_place, name);
        if (*out_inside)
            status = static_place_find(*out_place, files->links, *out_inside, STATIC_FILE, out_fd,
                                       out_stat);
    }
    return status;
}

/* One that is older than its file was made of another one. */
static bool open_copy(const struct static_place *place, enum static_links links, const char *name,
                      const char *suffix, const struct static_copy *plain, struct arena *arena,
                      struct static_copy *out)
{
    if (place->directory < 0 ||
        static_place_find(place, links, arena_printf(arena, "%s%s", name, suffix), STATIC_FILE,
                          &out->fd, &out->stat) != 0)
        return false;
    if (out->stat.st_mtim.tv_sec >= plain->stat.st_mtim.tv_sec)
        return true;
    close(out->fd);
    out->fd = -1;
    return false;
}

/* Small ones are answered from memory; what cannot be read whole is left to sendfile to fail on. */
static void read_small(struct static_copy *copy)
{
    size_t size = (size_t)copy->stat.st_size;
    if (copy->fd < 0 || size > BODY_MAX)
        return;
    copy->body = malloc(size + 1);
    if (!copy->body)
        die("out of memory");
    if (pread(copy->fd, copy->body, size, 0) != (ssize_t)size) {
        free(copy->body);
        copy->body = NULL;
    }
}

/* The file of that name with its compressed copies: beside it, else where the build put them. */
static int find_file(struct static_files *files, struct arena *arena, struct str name,
                     struct static_file **out)
{
    int64_t now_ms = files->now_ms();
    struct static_copy plain;
    const struct static_place *place;
    const char *text = arena_cstr(arena, name), *inside;
    if (!http_path_is_plain(name) || str_starts(name, STR("/")))
        return 404;
    if ((*out = static_cache_find(&files->cache, name, now_ms)))
        return 0;
    int status = open_plain(files, text, &plain.fd, &plain.stat, &place, &inside);
    if (status)
        return status;
    struct static_copy *copies = (*out = static_cache_add(&files->cache, name, now_ms))->copies;
    copies[STATIC_PLAIN].fd = plain.fd;
    copies[STATIC_PLAIN].stat = plain.stat;
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
        struct static_copy *copy = &copies[codings[i].coding];
        if (!open_copy(place, files->links, inside, codings[i].suffix, &plain, arena, copy))
            open_copy(&files->compressed, files->links, text, codings[i].suffix, &plain, arena,
                      copy);
    }
    for (int i = 0; i < STATIC_CODINGS; i++)
        read_small(&copies[i]);
    return 0;
}

/* ---- answers ------------------------------------------------------------------------------- */

/* What is to be sent of a file, and what is said about it. */
struct choice {
    const struct static_copy *copy;
    const char *coding; /* NULL: as it is */
    bool varies;        /* another client may get another copy */
    struct http_validators validators;
};

static struct choice choose(const struct static_file *file, const struct http_request *request,
                            struct arena *arena)
{
    struct choice choice = {.copy = &file->copies[STATIC_PLAIN]};
    int best = http_coding_weight(request, "identity");
    const char *tag = "";
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++) {
        const struct static_copy *copy = &file->copies[codings[i].coding];
        int weight = copy->fd >= 0 ? http_coding_weight(request, codings[i].name) : 0;
        choice.varies = choice.varies || copy->fd >= 0;
        if (weight == 0 || weight < best || (weight == best && choice.coding))
            continue;
        best = weight;
        tag = codings[i].tag;
        choice.copy = copy;
        choice.coding = codings[i].name;
    }
    const struct stat *stat = &choice.copy->stat;
    choice.validators.etag =
        str_from(arena_printf(arena, "\"%llx-%llx%s\"",
                              (unsigned long long)stat->st_mtim.tv_sec * 1000000000u +
                                  (unsigned long long)stat->st_mtim.tv_nsec,
                              (unsigned long long)stat->st_size, tag));
    choice.validators.modified = file->copies[STATIC_PLAIN].stat.st_mtim.tv_sec;
    choice.validators.date_is_weak = choice.varies;
    return choice;
}

static bool asks_this_version(struct static_files *files, const struct http_request *request,
                              struct str name, struct arena *arena, const struct static_file *file)
{
    static const struct http_form_limits limits = {.fields = 4, .name = 64, .value = 64};
    const struct static_copy *plain = &file->copies[STATIC_PLAIN];
    struct http_form form;
    if (!request->query.size || http_form_parse_query(arena, &limits, request->query, &form))
        return false;
    const struct http_field *v = http_form_get(&form, "v");
    if (!v || v->value.size != STATIC_VERSION_TEXT)
        return false;
    return str_equal(v->value, static_versions_of(&files->versions, name, plain->fd, &plain->stat,
                                                  files->now_ms()));
}

/* The bytes from `first` on. False if descriptors ran out. */
static bool attach(struct http_response *response, const struct static_copy *copy, int64_t first,
                   int64_t count)
{
    if (copy->body) {
        response->body = str_make(copy->body + first, (size_t)count);
        return true;
    }
    int fd = fcntl(copy->fd, F_DUPFD_CLOEXEC, 0);
    response->has_file = true;
    response->file = (struct http_file){.fd = fd, .offset = first, .size = count};
    return fd >= 0;
}

/* 200, 206 or 416, with as much of the file as Range says. */
static void answer_bytes(const struct http_request *request, struct str name, struct arena *arena,
                         const struct choice *choice, struct http_response *out)
{
    int64_t size = choice->copy->stat.st_size, first = 0, count = size;
    enum http_range range = http_range_read(request, &choice->validators, size, &first, &count);
    if (range == HTTP_RANGE_NONE) {
        *out = http_error_response(arena, 416);
        http_response_add(out, "Content-Range",
                          str_from(arena_printf(arena, "bytes */%lld", (long long)size)));
        return;
    }
    *out = http_response_make(range == HTTP_RANGE_PART ? 206 : 200, static_type(name), STR(""));
    if (!attach(out, choice->copy, first, count)) {
        *out = http_error_response(arena, 503);
        return;
    }
    http_response_add(out, "Accept-Ranges", STR("bytes"));
    if (choice->coding)
        http_response_add(out, "Content-Encoding", str_from(choice->coding));
    if (range == HTTP_RANGE_PART)
        http_response_add(out, "Content-Range",
                          str_from(arena_printf(arena, "bytes %lld-%lld/%lld", (long long)first,
                                                (long long)(first + count - 1), (long long)size)));
}

static void serve_file(struct static_files *files, const struct http_request *request,
                       struct str name, struct arena *arena, const struct static_file *file,
                       struct http_response *out)
{
    struct choice choice = choose(file, request, arena);
    int status = http_condition_status(request, &choice.validators);
    if (status == 412)
        *out = http_error_response(arena, 412);
    else if (status == 304)
        *out = http_response_make(304, NULL, STR(""));
    else
        answer_bytes(request, name, arena, &choice, out);
    if (choice.varies)
        http_response_add(out, "Vary", STR("Accept-Encoding"));
    if (out->status >= 400)
        return;
    char *modified = arena_alloc(arena, HTTP_DATE_TEXT + 1);
    bool immutable = asks_this_version(files, request, name, arena, file);
    http_date_print(choice.validators.modified, modified);
    http_response_add(out, "ETag", choice.validators.etag);
    http_response_add(out, "Last-Modified", str_from(modified));
    http_response_add(out, "Cache-Control",
                      immutable ? STR("public, max-age=31536000, immutable") : STR("no-cache"));
}

static int serve_listing(struct static_files *files, const struct http_request *request,
                         struct str name, struct arena *arena, struct http_response *out)
{
    struct buf page = {0};
    int status = static_listing(files->places, files->count, files->links, request->path,
                                arena_cstr(arena, name), arena, &page);
    if (status == 0) {
        *out =
            http_response_make(200, "text/html; charset=utf-8", arena_str(arena, buf_str(&page)));
        http_response_add(out, "Cache-Control", STR("no-cache"));
        http_response_add(out, "Content-Security-Policy",
                          STR("default-src 'none'; base-uri 'none'; form-action 'none'; "
                              "frame-ancestors 'none'"));
    }
    buf_free(&page);
    return status;
}

void static_serve(struct static_files *files, const struct http_request *request, struct str name,
                  struct arena *arena, struct http_response *out)
{
    struct static_file *file;
    if (request->method != HTTP_GET && request->method != HTTP_HEAD) {
        *out = http_error_response(arena, 405);
        http_response_add(out, "Allow", http_allow(arena, 1u << HTTP_GET | 1u << HTTP_HEAD));
        return;
    }
    int status = find_file(files, arena, name, &file);
    if (status == 403 && files->show_index)
        status = serve_listing(files, request, name, arena, out);
    else if (status == 0)
        serve_file(files, request, name, arena, file, out);
    if (status)
        *out = http_error_response(arena, status);
}

struct str static_version(struct static_files *files, struct str name)
{
    int64_t now_ms = files->now_ms();
    struct str version = static_versions_find(&files->versions, name, now_ms);
    if (version.size)
        return version;
    struct arena arena = {0};
    struct static_file *file;
    if (find_file(files, &arena, name, &file) == 0) {
        const struct static_copy *plain = &file->copies[STATIC_PLAIN];
        version = static_versions_of(&files->versions, name, plain->fd, &plain->stat, now_ms);
    }
    arena_free(&arena);
    return version;
}
