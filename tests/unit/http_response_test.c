#include "gateway/http/cookie.h"
#include "gateway/http/date.h"
#include "gateway/http/response.h"
#include "tests/unit/test.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define DATE     "Sun, 06 Nov 1994 08:49:37 GMT"

static struct str head_of(struct buf *out, const struct http_response *response, int minor,
                          bool keep_alive)
{
    struct http_response_frame frame = {
        .date = STR(DATE), .minor = minor, .keep_alive = keep_alive};
    buf_reset(out);
    http_response_write_head(response, &frame, out);
    return buf_str(out);
}

static bool has(struct str text, const char *part)
{
    return memmem(text.data, text.size, part, strlen(part)) != NULL;
}

TEST("a head has its status, Date, length and headers, in that order")
{
    struct buf out = {0};
    struct http_response response = http_response_make(200, "text/plain", STR("hello"));
    http_response_add(&response, "X-A", STR("b"));
    CHECK_STR(head_of(&out, &response, 1, true),
              "HTTP/1.1 200 OK\r\nDate: " DATE "\r\nContent-Length: 5\r\n"
              "Content-Type: text/plain\r\nX-A: b\r\n\r\n");
    CHECK(has(head_of(&out, &response, 1, false), "\r\nConnection: close\r\n"));
    CHECK(has(head_of(&out, &response, 0, true), "\r\nConnection: keep-alive\r\n"));
    response = http_response_make(200, NULL, STR(""));
    response.has_file = true;
    response.file = (struct http_file){.fd = -1, .size = 5000000000};
    CHECK_STR(head_of(&out, &response, 1, true),
              "HTTP/1.1 200 OK\r\nDate: " DATE "\r\nContent-Length: 5000000000\r\n\r\n");
    buf_free(&out);
}

TEST("204 and 304 have neither length nor body, and HEAD has no body (RFC 9110, 6.4.1, 8.6)")
{
    struct buf out = {0};
    struct http_response response = http_response_make(304, NULL, STR(""));
    CHECK_STR(head_of(&out, &response, 1, true),
              "HTTP/1.1 304 Not Modified\r\nDate: " DATE "\r\n\r\n");
    CHECK(!http_response_has_body(&response, false));
    response.status = 204;
    CHECK(!http_response_has_body(&response, false));
    response.status = 200;
    CHECK(http_response_has_body(&response, false));
    CHECK(!http_response_has_body(&response, true));
    buf_free(&out);
}

TEST("no value can begin a header of its own")
{
    struct buf out = {0};
    struct http_response response = http_response_make(302, NULL, STR(""));
    CHECK(!http_response_add(&response, "Location", STR("/a\r\nSet-Cookie: x=y")));
    CHECK(!http_response_add(&response, "Location", STR("/a\nX: y")));
    CHECK(!http_response_add(&response, "Location", STR("/a\rX: y")));
    CHECK(!http_response_add(&response, "Location", STR("/a\0")));
    CHECK(!http_response_add(&response, "Location", STR("/a\x7f")));
    CHECK(http_response_add(&response, "Location", STR("/a\t\xe6\x8a\x95")));
    CHECK_STR(head_of(&out, &response, 1, true),
              "HTTP/1.1 302 Found\r\nDate: " DATE "\r\nContent-Length: 0\r\n"
              "Location: /a\t\xe6\x8a\x95\r\n\r\n");
    buf_free(&out);
}

TEST("an error that nobody renders is a short plain text")
{
    struct arena arena = {0};
    struct http_response response = http_error_response(&arena, 404);
    CHECK_STR(response.body, "404: Not Found");
    CHECK_STR(response.headers[0].value, "text/plain; charset=utf-8");
    CHECK_STR(http_error_response(&arena, 299).body, "299: Unknown");
    arena_free(&arena);
}

TEST("a date is read in its three forms and in no other (RFC 9110, 5.6.7)")
{
    static const struct {
        const char *text;
        bool good;
        int64_t seconds;
    } rows[] = {
        {DATE, true, 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", true, 784111777},
        {"Sun Nov  6 08:49:37 1994", true, 784111777},
        {"Sun Nov 16 08:49:37 1994", true, 784975777},
        {"Tue, 29 Feb 2028 23:59:60 GMT", true, 1835481600},
        {"Wednesday, 01-Jan-20 00:00:00 GMT", true, 1577836800},
        {"Thu, 01 Jan 1970 00:00:00 GMT", true, 0},
        {"Sun, 6 Nov 1994 08:49:37 GMT", false, 0},
        {"Sun, 06 Nov 1994 08:49:37 UTC", false, 0},
        {"Sun, 06 Now 1994 08:49:37 GMT", false, 0},
        {"Sun, 32 Nov 1994 08:49:37 GMT", false, 0},
        {"Sun, 31 Nov 1994 08:49:37 GMT", false, 0},
        {"Sun, 00 Nov 1994 08:49:37 GMT", false, 0},
        {"Sun, 06 Nov 1994 24:49:37 GMT", false, 0},
        {"Sun, 06 Nov 1994 08:60:37 GMT", false, 0},
        {"Sun, -6 Nov 1994 08:49:37 GMT", false, 0},
        {DATE " ", false, 0},
        {"", false, 0},
        {",", false, 0},
        {"yesterday", false, 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int64_t seconds = -1;
        bool good = http_date_parse(str_from(rows[i].text), &seconds);
        if (good != rows[i].good || seconds != (good ? rows[i].seconds : -1))
            TEST_FAIL("\"%s\" gave %d, %lld", rows[i].text, good, (long long)seconds);
    }
}

TEST("a date is printed anew when its second has passed")
{
    struct http_date date = {0};
    CHECK_STR(http_date_at(&date, 784111777), DATE);
    CHECK_STR(http_date_at(&date, 784111778), "Sun, 06 Nov 1994 08:49:38 GMT");
    date = (struct http_date){0};
    CHECK_STR(http_date_at(&date, 0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST("the first cookie of a name is found among whatever browsers send")
{
    static const struct {
        const char *header;
        const char *value; /* NULL: none */
    } rows[] = {
        {"sessionid=abc", "abc"},
        {"a=1; sessionid=abc; b=2", "abc"},
        {"a=1;sessionid=abc", "abc"},
        {"sessionid=first; sessionid=second", "first"},
        {"sessionid=\"abc\"", "abc"},
        {"sessionid=", ""},
        {"sessionid=a=b", "a=b"},
        {"; ;=x; junk; \"; sessionid=abc", "abc"},
        {"xsessionid=abc", NULL},
        {"SessionId=abc", NULL},
        {"sessionid", NULL},
        {"a=sessionid=abc", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct str value = STR("?");
        bool found = http_cookie_find(str_from(rows[i].header), "sessionid", &value);
        if (found != !!rows[i].value || (found && !str_equal(value, str_from(rows[i].value))))
            TEST_FAIL("\"%s\" gave %d, \"%.*s\"", rows[i].header, found, STR_ARG(value));
    }
    struct http_header headers[] = {{STR("COOKIE"), STR("a=1")}, {STR("Cookie"), STR("b=2")}};
    struct http_request request = {.headers = headers, .header_count = 2};
    struct str value;
    CHECK(http_cookie_get(&request, "b", &value));
    CHECK_STR(value, "2");
    CHECK(!http_cookie_get(&request, "c", &value));
}

TEST("a cookie is written with the attributes that keep it safe")
{
    struct arena arena = {0};
    struct http_cookie cookie = {
        .name = STR("sessionid"), .value = STR("abc"), .max_age = HTTP_COOKIE_SESSION};
    CHECK_STR(http_cookie_write(&arena, &cookie), "sessionid=abc; HttpOnly; Path=/; SameSite=Lax");
    cookie.secure = true;
    cookie.max_age = 0;
    CHECK_STR(http_cookie_write(&arena, &cookie),
              "sessionid=abc; HttpOnly; Path=/; SameSite=Lax; Max-Age=0; Secure");
    arena_free(&arena);
}

TEST_MAIN
