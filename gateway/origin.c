#include "gateway/origin.h"

/* RFC 9110 section 9.2.1. */
static bool changes_nothing(enum http_method method)
{
    return method == HTTP_GET || method == HTTP_HEAD || method == HTTP_OPTIONS;
}

bool origin_is_ours(const struct http_request *request)
{
    struct str site, origin;
    size_t sites = http_header_count(request, "Sec-Fetch-Site", &site);
    size_t origins = http_header_count(request, "Origin", &origin);
    if (changes_nothing(request->method))
        return true;
    if (sites > 1 || origins > 1)
        return false;
    if (sites)
        return str_equal(site, STR("same-origin")) || str_equal(site, STR("none"));
    if (!origins)
        return true;
    for (const char *const *scheme = (const char *const[]){"http://", "https://", NULL}; *scheme;
         scheme++) {
        struct str prefix = str_from(*scheme);
        if (str_starts(origin, prefix))
            return request->host.size > 0 &&
                   str_equal_nocase(str_make(origin.data + prefix.size, origin.size - prefix.size),
                                    request->host);
    }
    return false;
}
