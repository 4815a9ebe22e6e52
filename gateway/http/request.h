/* request: what a well-formed request says. Made by http/parser, read by everybody. Pure. */
#ifndef VOTE_HTTP_REQUEST_H
#define VOTE_HTTP_REQUEST_H

#include "proto/base/arena.h"

/* The methods we know, in the order of their names (Allow is written in it). Any other is 501. */
enum http_method {
    HTTP_DELETE,
    HTTP_GET,
    HTTP_HEAD,
    HTTP_OPTIONS,
    HTTP_PATCH,
    HTTP_POST,
    HTTP_PUT,
    HTTP_METHODS
};

struct http_header {
    struct str name;
    struct str value; /* without the blanks around it */
};

struct http_request {
    enum http_method method;
    struct str method_text; /* as sent */
    struct str target;      /* as sent, for the log */
    struct str path;        /* decoded once; "*" for OPTIONS *; empty if it can name nothing */
    struct str query;       /* behind the first '?', not decoded; may be empty */
    struct str host; /* host[:port] from Host or the absolute form; empty: HTTP/1.0 without */
    int minor;       /* HTTP/1.minor: 0 or 1 */
    struct http_header *headers; /* in the order sent */
    size_t header_count;
    struct str body;
    bool keep_alive;      /* the client lets the connection live on */
    bool expect_continue; /* it waits for 100 before it sends the body */
};

/* http_method_find: false if the name (case counts) is none of ours. */
bool http_method_find(struct str name, enum http_method *out);

/* http_header: the value of the first header of that name, any case; empty (data NULL) if absent.
 */
struct str http_header(const struct http_request *request, const char *name);

/* http_header_count: how many there are; *out_value gets the last one's value, if any. */
size_t http_header_count(const struct http_request *request, const char *name,
                         struct str *out_value);

/* http_header_has: some header of that name holds the token, any case, in its comma list. */
bool http_header_has(const struct http_request *request, const char *name, const char *token);

/* http_allow: the value of Allow for a set of methods (bits 1 << method): "GET,HEAD,POST". */
struct str http_allow(struct arena *arena, unsigned methods);

#endif
