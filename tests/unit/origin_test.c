/* Sec-Fetch-Site × Origin × Host × method: who may change something (cross-site request forgery).
 */
#include "gateway/origin.h"
#include "tests/unit/test.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static bool is_ours(enum http_method method, const char *site, const char *origin, const char *host)
{
    struct http_header headers[2];
    struct http_request request = {.method = method, .host = str_from(host), .headers = headers};
    if (site)
        headers[request.header_count++] =
            (struct http_header){STR("sec-fetch-site"), str_from(site)};
    if (origin)
        headers[request.header_count++] = (struct http_header){STR("ORIGIN"), str_from(origin)};
    return origin_is_ours(&request);
}

/* By Origin alone, where the browser sends no Sec-Fetch-Site. */
static const struct {
    const char *origin; /* NULL: not sent */
    const char *host;
    bool ours;
} origins[] = {
    {NULL, "vote.example", true},
    {NULL, "", true},
    {"http://vote.example", "vote.example", true},
    {"https://vote.example", "vote.example", true},
    {"https://VOTE.example", "vote.EXAMPLE", true},
    {"http://vote.example:8008", "vote.example:8008", true},
    {"http://[::1]:9000", "[::1]:9000", true},
    {"http://vote.example:8008", "vote.example", false},
    {"http://vote.example", "vote.example:8008", false},
    {"http://evil.example", "vote.example", false},
    {"http://vote.example.evil.example", "vote.example", false},
    {"http://evil.example/vote.example", "vote.example", false},
    {"http://vote.example/", "vote.example", false},
    {"http://vote.example ", "vote.example", false},
    {"ftp://vote.example", "vote.example", false},
    {"HTTP://vote.example", "vote.example", false},
    {"vote.example", "vote.example", false},
    {"http://", "", false},
    {"http://", "vote.example", false},
    {"null", "vote.example", false},
    {"null", "null", false},
    {"", "vote.example", false},
    {"", "", false},
};

/* Sec-Fetch-Site decides alone, whatever Origin says. */
static const struct {
    const char *site;
    bool ours;
} sites[] = {
    {"same-origin", true}, {"none", true},
    {"same-site", false},  {"cross-site", false},
    {"", false},           {"Same-Origin", false},
    {"null", false},       {"same-origin, none", false},
};

static bool is_safe(enum http_method method)
{
    return method == HTTP_GET || method == HTTP_HEAD || method == HTTP_OPTIONS;
}

TEST("without Sec-Fetch-Site, Origin must be Host; without both it is no browser")
{
    for (int method = 0; method < HTTP_METHODS; method++)
        for (size_t i = 0; i < COUNT(origins); i++) {
            bool expected = is_safe((enum http_method)method) || origins[i].ours;
            if (is_ours((enum http_method)method, NULL, origins[i].origin, origins[i].host) !=
                expected)
                TEST_FAIL("method %d, Origin %s, Host %s", method, origins[i].origin,
                          origins[i].host);
        }
}

TEST("Sec-Fetch-Site must be same-origin or none, with any Origin and Host")
{
    for (int method = 0; method < HTTP_METHODS; method++)
        for (size_t s = 0; s < COUNT(sites); s++)
            for (size_t i = 0; i < COUNT(origins); i++) {
                bool expected = is_safe((enum http_method)method) || sites[s].ours;
                if (is_ours((enum http_method)method, sites[s].site, origins[i].origin,
                            origins[i].host) != expected)
                    TEST_FAIL("method %d, Sec-Fetch-Site %s, Origin %s, Host %s", method,
                              sites[s].site, origins[i].origin, origins[i].host);
            }
}

TEST("a header that is there twice is not believed")
{
    struct http_header headers[] = {{STR("Sec-Fetch-Site"), STR("same-origin")},
                                    {STR("Sec-Fetch-Site"), STR("same-origin")},
                                    {STR("Origin"), STR("http://a")},
                                    {STR("Origin"), STR("http://a")}};
    struct http_request request = {
        .method = HTTP_POST, .host = STR("a"), .headers = headers, .header_count = 2};
    CHECK(!origin_is_ours(&request));
    request.headers = headers + 2;
    CHECK(!origin_is_ours(&request));
    request.header_count = 1;
    CHECK(origin_is_ours(&request));
}

TEST_MAIN
