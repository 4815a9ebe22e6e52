/* static: files from directories, as HTTP answers (RFC 9110, sections 8.8, 13 and 14).
 *
 * A name is what follows the route's prefix: "css/site.css". One thread. Blocks for the disk alone.
 */
#ifndef VOTE_GATEWAY_STATIC_H
#define VOTE_GATEWAY_STATIC_H

#include "gateway/http/response.h"

struct static_files;

/* A file or directory that is not below a root: the name "css/lib.css" for one file, "lib/" (with
 * the slash) for all that is below a directory. */
struct static_alias {
    const char *name;
    const char *path;
};

struct static_config {
    const char *const *roots; /* directories; the first that has the name answers */
    size_t root_count;
    const struct static_alias *aliases; /* asked before the roots, in order */
    size_t alias_count;
    const char *compressed;  /* a directory with NAME.br and NAME.gz of files; NULL or "": none */
    bool show_index;         /* list a directory */
    bool follow_symlinks;    /* out of their directory, too */
    bool no_openat2;         /* take the way for kernels before 5.6 */
    int64_t (*now_ms)(void); /* NULL: clock_ms */
};

/* static_new: opens the directories (of an alias to a file, the one it is in). NULL and a line in
 * out_error if one cannot be opened. The config is not kept. */
struct static_files *static_new(const struct static_config *config, char *out_error,
                                size_t error_size);
void static_free(struct static_files *files);

/* static_forget: what is known of files, so that a change is seen at once. */
void static_forget(struct static_files *files);

/* static_serve: the answer to request for that name. GET and HEAD: 200, 206, 304, 412 or 416 as
 * gateway/http/condition.h says; any other method 405 with Allow; 404, 403 and 503 as static_open
 * says. Errors are short plain text. A file that has NAME.br or NAME.gz beside it, or in
 * config.compressed, no older than itself, is sent so to a client that asks for it, with a tag of
 * its own. A directory is 403, or a page that lists it. A query `v` equal to static_version makes
 * the answer immutable for a year; else it is to be asked about each time. A change of a file is
 * seen within STATIC_FRESH_MS (gateway/static_cache.h). The body is borrowed until the next call of
 * a function here; a larger one is left in the file. */
void static_serve(struct static_files *files, const struct http_request *request, struct str name,
                  struct arena *arena, struct http_response *out);

/* static_version: 16 hex digits that change with the file's content, for `?v=`; empty if there is
 * no such file or it is larger than 16 MiB. At most two seconds old. Borrowed until the next call.
 */
struct str static_version(struct static_files *files, struct str name);

/* static_type: the Content-Type by the name's extension, else application/octet-stream. */
const char *static_type(struct str name);

#endif
