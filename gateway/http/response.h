/* response: what we answer, and its bytes. Pure.
 *
 * Framing (Content-Length, Connection, Date) is written here alone; a handler never sets it. */
#ifndef VOTE_HTTP_RESPONSE_H
#define VOTE_HTTP_RESPONSE_H

#include "gateway/http/request.h"
#include "proto/base/buf.h"

enum { HTTP_RESPONSE_HEADERS = 24 };

/* A part of an open file. */
struct http_file {
    int fd;
    int64_t offset, size; /* bytes */
};

struct http_response {
    int status; /* 200–599 */
    struct http_header headers[HTTP_RESPONSE_HEADERS];
    size_t header_count;
    struct str body; /* borrowed until the response was handed over */
    bool has_file;   /* then file is sent instead of body */
    struct http_file file;
    bool close;  /* end the connection behind it */
    bool stream; /* body is its beginning, its end is that of the connection: http_exchange_send */
};

/* http_response_make: of that status, with a Content-Type if type is not NULL. */
struct http_response http_response_make(int status, const char *type, struct str body);

/* http_response_add: one more header. name is a token of ours. A value that holds CR, LF, NUL or
 * another control byte but HTAB cannot be sent: the header is left out, and false returned. name
 * and value are borrowed until the response was handed over. */
bool http_response_add(struct http_response *response, const char *name, struct str value);

/* http_response_size: bytes of body or file. */
int64_t http_response_size(const struct http_response *response);

/* http_response_has_body: false for what answers HEAD, and for 204 and 304. */
bool http_response_has_body(const struct http_response *response, bool is_head);

struct http_response_frame {
    struct str date;   /* see http_date_at */
    struct str server; /* the value of Server; empty: none */
    int minor;         /* the request's */
    bool keep_alive;   /* this connection goes on */
};

/* http_response_write_head: status line, Date, Content-Length (not for 204, 304 and streams),
 * Connection where it says something, the headers, and the empty line, appended to out. RFC 9112
 * section 4. */
void http_response_write_head(const struct http_response *response,
                              const struct http_response_frame *frame, struct buf *out);

/* http_reason: the phrase of a status, "Unknown" if it is none of RFC 9110's. */
const char *http_reason(int status);

/* http_error_response: "404: Not Found" as plain text, the text in arena. */
struct http_response http_error_response(struct arena *arena, int status);

#endif
