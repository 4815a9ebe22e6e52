/* cookie: read Cookie as browsers send it, write Set-Cookie (RFC 6265). Pure. */
#ifndef VOTE_HTTP_COOKIE_H
#define VOTE_HTTP_COOKIE_H

#include "gateway/http/request.h"

enum { HTTP_COOKIE_SESSION = -1 }; /* max_age: until the browser ends */

struct http_cookie {
    struct str name;  /* a token */
    struct str value; /* cookie-octets: no blank, quote, comma, semicolon, backslash, control */
    int64_t max_age;  /* seconds; 0 deletes it; HTTP_COOKIE_SESSION */
    bool secure;
};

/* http_cookie_find: in one Cookie header, the value of the first cookie of that name (case counts),
 * without quotes around it. Whatever else stands there is stepped over. False if there is none. */
bool http_cookie_find(struct str header, const char *name, struct str *out_value);

/* http_cookie_get: the same over all Cookie headers of a request. */
bool http_cookie_get(const struct http_request *request, const char *name, struct str *out_value);

/* http_cookie_write: the value of Set-Cookie:
 * "name=value; HttpOnly; Path=/; SameSite=Lax[; Max-Age=n][; Secure]". Name and value are ours: a
 * byte that may not be there is a bug. */
struct str http_cookie_write(struct arena *arena, const struct http_cookie *cookie);

#endif
