#include "gateway/origin.h"

bool origin_is_ours(const struct http_request *request)
{
    struct str site, origin;
    if (http_header_count(request, "Sec-Fetch-Site", &site) > 0)
        return str_equal(site, STR("same-origin")) || str_equal(site, STR("none"));
    if (http_header_count(request, "Origin", &origin) == 0)
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
