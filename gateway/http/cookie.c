#include "gateway/http/cookie.h"

#include "gateway/http/syntax.h"
#include "proto/base/die.h"

#include <inttypes.h>

bool http_cookie_find(struct str header, const char *name, struct str *out_value)
{
    struct str pair, key;
    while (str_cut(&header, ';', &pair)) {
        pair = str_trim(pair, " \t");
        if (str_find(pair, '=') < 0 || !str_cut(&pair, '=', &key))
            continue;
        if (!str_equal(str_trim(key, " \t"), str_from(name)))
            continue;
        pair = str_trim(pair, " \t");
        if (pair.size >= 2 && pair.data[0] == '"' && pair.data[pair.size - 1] == '"')
            pair = str_make(pair.data + 1, pair.size - 2);
        *out_value = pair;
        return true;
    }
    return false;
}

bool http_cookie_get(const struct http_request *request, const char *name, struct str *out_value)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (str_equal_nocase(request->headers[i].name, STR("cookie")) &&
            http_cookie_find(request->headers[i].value, name, out_value))
            return true;
    return false;
}

static bool is_value(struct str s)
{
    for (size_t i = 0; i < s.size; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c <= ' ' || c >= 0x7f || strchr("\",;\\", c))
            return false;
    }
    return true;
}

struct str http_cookie_write(struct arena *arena, const struct http_cookie *cookie)
{
    must(http_all(cookie->name, HTTP_TOKEN) && is_value(cookie->value));
    const char *age = "";
    if (cookie->max_age >= 0)
        age = arena_printf(arena, "; Max-Age=%" PRId64, cookie->max_age);
    return str_from(arena_printf(arena, "%.*s=%.*s; HttpOnly; Path=/; SameSite=Lax%s%s",
                                 STR_ARG(cookie->name), STR_ARG(cookie->value), age,
                                 cookie->secure ? "; Secure" : ""));
}
