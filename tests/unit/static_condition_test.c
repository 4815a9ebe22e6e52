/* Conditions, ranges and compressed copies of static files. */
#include "tests/unit/static_site.h"

TEST("a condition that holds gives 304, tags before dates")
{
    static const struct {
        const char *none_match, *since; /* "": not sent; ETAG stands for the file's */
        int status;
    } rows[] = {
        {"ETAG", "", 304},
        {"W/ETAG", "", 304},
        {"\"a,b\", ETAG", "", 304},
        {"\"x\" ,,W/ETAG", "", 304},
        {"*", "", 304},
        {"\"x\"", "", 200},
        {"W/\"x\"", "Sun, 06 Nov 1994 08:49:37 GMT", 200},
        {"x, ETAG", "", 200},
        {"\"x", "", 200},
        {"\"ETAG\"", "", 200},
        {" ", "Sun, 06 Nov 1994 08:49:37 GMT", 200},
        {"", "Sun, 06 Nov 1994 08:49:37 GMT", 304},
        {"", "Sun, 06 Nov 1994 08:49:38 GMT", 304},
        {"", "Sunday, 06-Nov-94 08:49:37 GMT", 304},
        {"", "Sun, 06 Nov 1994 08:49:36 GMT", 200},
        {"", "yesterday", 200},
    };
    site_open();
    get("css/site.css");
    char *etag = arena_cstr(&site.arena, header("etag"));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct http_header headers[2];
        size_t count = 0;
        const char *mark = strstr(rows[i].none_match, "ETAG");
        const char *tags = rows[i].none_match;
        if (mark)
            tags = arena_printf(&site.arena, "%.*s%s%s", (int)(mark - tags), tags, etag, mark + 4);
        if (*tags)
            headers[count++] = (struct http_header){STR("If-None-Match"), str_from(tags)};
        if (*rows[i].since)
            headers[count++] =
                (struct http_header){STR("If-Modified-Since"), str_from(rows[i].since)};
        int status = serve(HTTP_GET, STR("css/site.css"), "", headers, count);
        if (status != rows[i].status)
            TEST_FAIL("\"%s\", \"%s\" gave %d", tags, rows[i].since, status);
        CHECK_STR(header("etag"), etag);
        CHECK_INT(http_response_size(&site.response), status == 200 ? 7 : 0);
    }
    site_close();
}

/* ---- ranges and conditions ----------------------------------------------------------------- */

#define ONE(name_, value_) ((struct http_header[]){{STR(name_), str_from(value_)}})

TEST("a range of bytes is answered with these bytes, and no other range is (RFC 9110, 14.1.2)")
{
    static const struct {
        const char *range;
        int status;
        const char *body, *content_range;
    } rows[] = {
        {"bytes=0-0", 206, "b", "bytes 0-0/7"},
        {"bytes=1-3", 206, "ody", "bytes 1-3/7"},
        {"bytes=5-", 206, "{}", "bytes 5-6/7"},
        {"bytes=5-700", 206, "{}", "bytes 5-6/7"},
        {"bytes=0-99999999999999999999999", 206, "body {}", "bytes 0-6/7"},
        {"bytes=-2", 206, "{}", "bytes 5-6/7"},
        {"bytes=-700", 206, "body {}", "bytes 0-6/7"},
        {"BYTES=0-6", 206, "body {}", "bytes 0-6/7"},
        {"bytes=7-", 416, NULL, "bytes */7"},
        {"bytes=99999999999999999999999-", 416, NULL, "bytes */7"},
        {"bytes=-0", 416, NULL, "bytes */7"},
        {"bytes=3-1", 416, NULL, "bytes */7"},
        {"bytes=0-1,3-4", 416, NULL, "bytes */7"},
        {"bytes=-", 416, NULL, "bytes */7"},
        {"bytes=", 416, NULL, "bytes */7"},
        {"bytes", 416, NULL, "bytes */7"},
        {"", 416, NULL, "bytes */7"},
        {"bytes=a-b", 416, NULL, "bytes */7"},
        {"bytes=1-2x", 416, NULL, "bytes */7"},
        {"bytes= 1-2", 416, NULL, "bytes */7"},
        {"bytes=+1-2", 416, NULL, "bytes */7"},
        {"bytes=1--2", 416, NULL, "bytes */7"},
        {"bytes 1-2", 416, NULL, "bytes */7"},
        {"lines=1-2", 200, "body {}", ""},
    };
    site_open();
    for (size_t i = 0; i < COUNT(rows); i++) {
        int status = serve(HTTP_GET, STR("css/site.css"), "", ONE("Range", rows[i].range), 1);
        if (status != rows[i].status)
            TEST_FAIL("\"%s\" gave %d", rows[i].range, status);
        CHECK_STR(header("content-range"), rows[i].content_range);
        if (rows[i].body)
            CHECK_STR(site.response.body, rows[i].body);
    }
    struct http_header twice[] = {{STR("Range"), STR("bytes=0-1")},
                                  {STR("Range"), STR("bytes=2-")}};
    CHECK_INT(serve(HTTP_GET, STR("css/site.css"), "", twice, 2), 416);
    CHECK_INT(serve(HTTP_HEAD, STR("css/site.css"), "", ONE("Range", "bytes=0-1"), 1), 200);
    CHECK_STR(header("accept-ranges"), "bytes");
    CHECK_INT(serve(HTTP_GET, STR("empty.txt"), "", ONE("Range", "bytes=0-"), 1), 416);
    CHECK_INT(serve(HTTP_GET, STR("empty.txt"), "", ONE("Range", "bytes=-1"), 1), 416);
    CHECK_INT(serve(HTTP_GET, STR("large.bin"), "", ONE("Range", "bytes=99990-"), 1), 206);
    CHECK_INT(site.response.file.offset, 99990);
    CHECK_INT(site.response.file.size, 10);
    serve(HTTP_GET, STR("x"), "", NULL, 0);
    site_close();
}

TEST("If-Range lets a range through only for the bytes it was begun with (RFC 9110, 13.1.5)")
{
    static const struct {
        const char *condition;
        int status;
    } rows[] = {
        {"ETAG", 206},
        {"W/ETAG", 200},
        {"\"x\"", 200},
        {"ETAG, ETAG", 200},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 206},
        {"Sun, 06 Nov 1994 08:49:38 GMT", 200},
        {"yesterday", 200},
    };
    site_open();
    get("css/site.css");
    char *etag = arena_cstr(&site.arena, header("etag"));
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *text = rows[i].condition;
        if (strstr(text, "ETAG"))
            text = i == 3   ? arena_printf(&site.arena, "%s, %s", etag, etag)
                   : i == 1 ? arena_printf(&site.arena, "W/%s", etag)
                            : etag;
        struct http_header headers[] = {{STR("Range"), STR("bytes=1-3")},
                                        {STR("If-Range"), str_from(text)}};
        int status = serve(HTTP_GET, STR("css/site.css"), "", headers, 2);
        if (status != rows[i].status)
            TEST_FAIL("\"%s\" gave %d", text, status);
    }
    site_close();
}

TEST("If-Match and If-Unmodified-Since stop with 412, tags before dates (RFC 9110, 13.1.1, 13.1.4)")
{
    static const struct {
        const char *match, *since;
        int status;
    } rows[] = {
        {"ETAG", "", 200},
        {"*", "", 200},
        {"\"x\"", "", 412},
        {"WEAK", "", 412},
        {"", "Sun, 06 Nov 1994 08:49:37 GMT", 200},
        {"", "Sun, 06 Nov 1994 08:49:36 GMT", 412},
        {"", "yesterday", 200},
        {"ETAG", "Sun, 06 Nov 1994 08:49:36 GMT", 200},
    };
    site_open();
    get("css/site.css");
    char *etag = arena_cstr(&site.arena, header("etag"));
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct http_header headers[3];
        size_t count = 0;
        const char *match = strcmp(rows[i].match, "ETAG") == 0 ? etag
                            : strcmp(rows[i].match, "WEAK") == 0
                                ? arena_printf(&site.arena, "W/%s", etag)
                                : rows[i].match;
        if (*match)
            headers[count++] = (struct http_header){STR("If-Match"), str_from(match)};
        if (*rows[i].since)
            headers[count++] =
                (struct http_header){STR("If-Unmodified-Since"), str_from(rows[i].since)};
        int status = serve(HTTP_GET, STR("css/site.css"), "", headers, count);
        if (status != rows[i].status)
            TEST_FAIL("\"%s\", \"%s\" gave %d", match, rows[i].since, status);
        headers[count++] = (struct http_header){STR("If-None-Match"), STR("*")};
        CHECK_INT(serve(HTTP_GET, STR("css/site.css"), "", headers, count),
                  rows[i].status == 200 ? 304 : 412);
    }
    site_close();
}

/* ---- compressed copies --------------------------------------------------------------------- */

TEST("a compressed copy goes to those who ask for it, as they weigh it (RFC 9110, 12.5.3)")
{
    static const struct {
        const char *accept;
        const char *coding; /* "": none */
    } rows[] = {
        {"br", "br"},
        {"gzip", "gzip"},
        {"gzip, deflate, br", "br"},
        {"GZIP;q=1.0, br;q=0.9", "gzip"},
        {"gzip;q=0.5 , br; q=0.500", "br"},
        {"br;q=0, gzip", "gzip"},
        {"br;q=0.000", ""},
        {"*", "br"},
        {"br;q=0, *", "gzip"},
        {"*;q=0, gzip;q=0.001", "gzip"},
        {"identity, gzip;q=0.5", ""},
        {"identity;q=0.5, gzip;q=0.5", "gzip"},
        {"identity;q=0", ""},
        {"", ""},
        {"deflate", ""},
        {"gzip;q=2", ""},
        {"gzip;q=1.001", ""},
        {"gzip;q=0.0001", ""},
        {"gzip;q=", ""},
        {"gzip;q", ""},
        {"gzip;x=1", ""},
        {"gz ip", ""},
        {"gzip;q=x, br", "br"},
    };
    site_open();
    write_file("made/css/site.css.br", "B", 1);
    write_file("made/css/site.css.gz", "G", 1);
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_INT(
            serve(HTTP_GET, STR("css/site.css"), "", ONE("Accept-Encoding", rows[i].accept), 1),
            200);
        struct str coding = header("content-encoding");
        if (!str_equal(coding, str_from(rows[i].coding)))
            TEST_FAIL("\"%s\" gave \"%.*s\"", rows[i].accept, STR_ARG(coding));
        CHECK_STR(site.response.body, !coding.size ? "body {}" : coding.size == 2 ? "B" : "G");
        CHECK_STR(header("content-type"), "text/css; charset=utf-8");
        CHECK_STR(header("vary"), "Accept-Encoding");
    }
    get("both.txt");
    CHECK_STR(header("vary"), "");
    site_close();
}

TEST("each copy has its own tag and ranges, and the date of the file")
{
    site_open();
    write_file("root/css/site.css.gz", "0123", 4);
    get("css/site.css");
    char *plain = arena_cstr(&site.arena, header("etag"));
    struct http_header headers[] = {{STR("Accept-Encoding"), STR("gzip")},
                                    {STR("Range"), STR("bytes=1-2")},
                                    {STR(""), STR("")}};
    serve(HTTP_GET, STR("css/site.css"), "", headers, 1);
    char *zipped = arena_cstr(&site.arena, header("etag"));
    CHECK_STR(str_from(zipped), "\"ae1b981bc490a05-4-gz\"");
    CHECK_STR(header("last-modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK_INT(serve(HTTP_GET, STR("css/site.css"), "", headers, 2), 206);
    CHECK_STR(site.response.body, "12");
    CHECK_STR(header("content-range"), "bytes 1-2/4");
    CHECK_STR(header("content-encoding"), "gzip");
    headers[2] = (struct http_header){STR("If-Range"), str_from(zipped)};
    CHECK_INT(serve(HTTP_GET, STR("css/site.css"), "", headers, 3), 206);
    headers[2].value = str_from(plain);
    CHECK_INT(serve(HTTP_GET, STR("css/site.css"), "", headers, 3), 200);
    headers[2].value = STR("Sun, 06 Nov 1994 08:49:37 GMT"); /* both copies have that date */
    CHECK_INT(serve(HTTP_GET, STR("css/site.css"), "", headers, 3), 200);
    headers[1] = (struct http_header){STR("If-None-Match"), str_from(zipped)};
    CHECK_INT(serve(HTTP_GET, STR("css/site.css"), "", headers, 2), 304);
    CHECK_STR(header("vary"), "Accept-Encoding");
    headers[1].value = str_from(plain);
    CHECK_INT(serve(HTTP_GET, STR("css/site.css"), "", headers, 2), 200);
    CHECK_INT(get("css/site.css.gz"), 200);
    CHECK_STR(header("content-encoding"), "");
    site_close();
}

TEST("a copy that is older than its file is not sent")
{
    site_open();
    static const struct timespec newer[2] = {{.tv_sec = MODIFIED + 1}, {.tv_sec = MODIFIED + 1}};
    write_file("made/css/site.css.br", "B", 1);
    CHECK_INT(utimensat(AT_FDCWD, at("root/css/site.css"), newer, 0), 0);
    serve(HTTP_GET, STR("css/site.css"), "", ONE("Accept-Encoding", "br"), 1);
    CHECK_STR(site.response.body, "body {}");
    site_close();
}

TEST_MAIN
