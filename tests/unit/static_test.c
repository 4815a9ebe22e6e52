#include "gateway/static.h"
#include "gateway/static_cache.h"
#include "proto/base/clock.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define MODIFIED 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define LARGE    100000

struct site {
    char dir[64];
    struct arena arena;
    struct static_files *files;
    struct http_response response;
    bool show_index;
};

static struct site site;
static int64_t now = 1000;

static int64_t test_clock(void)
{
    return now;
}

/* What the server knew of its files is a second old: it looks again. */
static void a_second_later(void)
{
    now += 1000;
}

static const char *at(const char *name)
{
    return arena_printf(&site.arena, "%s/%s", site.dir, name);
}

static void write_file(const char *name, const char *content, size_t size)
{
    struct timespec times[2] = {{.tv_sec = MODIFIED}, {.tv_sec = MODIFIED, .tv_nsec = 5}};
    int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    CHECK(fd >= 0);
    CHECK_INT(write(fd, content, size), (long long)size);
    CHECK_INT(futimens(fd, times), 0);
    close(fd);
}

static void open_site(bool follow_symlinks, bool no_openat2)
{
    const char *roots[] = {at("root"), at("second")};
    struct static_alias aliases[] = {{"css/lib.css", at("outside/linked.css")},
                                     {"vendor/", at("outside")}};
    struct static_config config = {.roots = roots,
                                   .root_count = 2,
                                   .aliases = aliases,
                                   .alias_count = 2,
                                   .follow_symlinks = follow_symlinks,
                                   .no_openat2 = no_openat2,
                                   .compressed = at("made"),
                                   .show_index = site.show_index,
                                   .now_ms = test_clock};
    char error[256] = "";
    if (site.files)
        static_free(site.files);
    site.files = static_new(&config, error, sizeof error);
    CHECK_STR(str_from(error), "");
}

static void make_special(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CHECK_INT(mkfifo(at("root/fifo"), 0644), 0);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", at("root/socket"));
    CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
}

static void site_open(void)
{
    static char large[LARGE];
    memset(large, 'x', sizeof large);
    site = (struct site){.dir = "/tmp/vote-static-XXXXXX"};
    CHECK(mkdtemp(site.dir));
    static const char *const dirs[] = {"root", "root/css", "second", "outside", "made", "made/css"};
    for (size_t i = 0; i < COUNT(dirs); i++)
        CHECK_INT(mkdir(at(dirs[i]), 0755), 0);
    write_file("root/css/site.css", "body {}", 7);
    write_file("root/empty.txt", "", 0);
    write_file("root/large.bin", large, sizeof large);
    write_file("root/\xe6\x8a\x95.txt", "utf8", 4);
    write_file("root/both.txt", "first", 5);
    write_file("second/both.txt", "second", 6);
    write_file("second/only.js", "x", 1);
    write_file("outside/secret.txt", "secret", 6);
    write_file("rootsecret.txt", "secret", 6);
    write_file("outside/lib.css", "lib", 3);
    CHECK_INT(symlink("lib.css", at("outside/linked.css")), 0);
    CHECK_INT(symlink("css/site.css", at("root/inside.css")), 0);
    CHECK_INT(symlink("../outside/secret.txt", at("root/relative.txt")), 0);
    CHECK_INT(symlink("../rootsecret.txt", at("root/sibling.txt")), 0);
    CHECK_INT(symlink(at("outside/secret.txt"), at("root/absolute.txt")), 0);
    CHECK_INT(symlink("../outside", at("root/away")), 0);
    CHECK_INT(symlink("loop", at("root/loop")), 0);
    CHECK_INT(symlink("nothing", at("root/dangling")), 0);
    make_special();
    open_site(false, false);
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat, (void)type, (void)ftw;
    return remove(path);
}

static void site_close(void)
{
    static_free(site.files);
    nftw(site.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    arena_free(&site.arena);
}

static int serve(enum http_method method, struct str name, const char *query,
                 struct http_header *headers, size_t header_count)
{
    struct http_request request = {.method = method,
                                   .query = str_from(query),
                                   .headers = headers,
                                   .header_count = header_count};
    if (site.response.has_file)
        close(site.response.file.fd);
    static_serve(site.files, &request, name, &site.arena, &site.response);
    return site.response.status;
}

static int get(const char *name)
{
    return serve(HTTP_GET, str_from(name), "", NULL, 0);
}

static struct str header(const char *name)
{
    struct http_request as_request = {.headers = site.response.headers,
                                      .header_count = site.response.header_count};
    return http_header(&as_request, name);
}

TEST("a file is served with its type, date and tag")
{
    site_open();
    CHECK_INT(get("css/site.css"), 200);
    CHECK_STR(site.response.body, "body {}");
    CHECK_STR(header("content-type"), "text/css; charset=utf-8");
    CHECK_STR(header("last-modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK_STR(header("etag"), "\"ae1b981bc490a05-7\"");
    CHECK_STR(header("cache-control"), "no-cache");
    CHECK_INT(get("empty.txt"), 200);
    CHECK_INT(http_response_size(&site.response), 0);
    CHECK_INT(get("\xe6\x8a\x95.txt"), 200);
    CHECK_INT(get("large.bin"), 200);
    CHECK(site.response.has_file);
    CHECK_INT(site.response.file.size, LARGE);
    CHECK_STR(header("content-type"), "application/octet-stream");
    serve(HTTP_GET, STR("x"), "", NULL, 0);
    site_close();
}

TEST("the type is the extension's, in any case, of the last part of the name alone")
{
    CHECK_STR(str_from(static_type(STR("a/b.JS"))), "text/javascript; charset=utf-8");
    CHECK_STR(str_from(static_type(STR("a.svg"))), "image/svg+xml");
    CHECK_STR(str_from(static_type(STR("a.woff2"))), "font/woff2");
    CHECK_STR(str_from(static_type(STR("bootstrap.min.css.map"))),
              "application/json; charset=utf-8");
    CHECK_STR(str_from(static_type(STR("dir.css/file"))), "application/octet-stream");
    CHECK_STR(str_from(static_type(STR("file."))), "application/octet-stream");
    CHECK_STR(str_from(static_type(STR(""))), "application/octet-stream");
}

TEST("HEAD is as GET, and another method is told which there are")
{
    site_open();
    CHECK_INT(serve(HTTP_HEAD, STR("css/site.css"), "", NULL, 0), 200);
    CHECK_INT(http_response_size(&site.response), 7);
    static const enum http_method others[] = {HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_OPTIONS};
    for (size_t i = 0; i < COUNT(others); i++) {
        CHECK_INT(serve(others[i], STR("css/site.css"), "", NULL, 0), 405);
        CHECK_STR(header("allow"), "GET,HEAD");
    }
    site_close();
}

/* The three ways to open, and what each makes of a name. */
static const struct {
    const char *name;
    int beneath, checked, followed;
} ways[] = {
    {"css/site.css", 200, 200, 200},
    {"inside.css", 200, 200, 200},
    {"only.js", 200, 200, 200},
    {"css/lib.css", 200, 200, 200},
    {"vendor/lib.css", 200, 200, 200},
    {"vendor/linked.css", 200, 200, 200},
    {"vendor/none", 404, 404, 404},
    {"vendor/", 403, 403, 403},
    {"nothing", 404, 404, 404},
    {"css/site.css/", 404, 404, 404},
    {"css/site.css/x", 404, 404, 404},
    {"css", 403, 403, 403},
    {"css/", 403, 403, 403},
    {"", 403, 403, 403},
    {"fifo", 403, 403, 403},
    {"socket", 403, 403, 403},
    {"relative.txt", 404, 404, 200},
    {"sibling.txt", 404, 404, 200},
    {"absolute.txt", 404, 404, 200},
    {"away/secret.txt", 404, 404, 200},
    {"away", 404, 404, 403},
    {"loop", 404, 404, 404},
    {"dangling", 404, 404, 404},
    {"../outside/secret.txt", 404, 404, 404},
    {"css/../../outside/secret.txt", 404, 404, 404},
    {"css/../css/site.css", 404, 404, 404},
    {"./css/site.css", 404, 404, 404},
    {"css//site.css", 404, 404, 404},
    {"/css/site.css", 404, 404, 404},
    {"/etc/passwd", 404, 404, 404},
    {"vendor/../rootsecret.txt", 404, 404, 404},
    {"vendor//etc/passwd", 404, 404, 404},
    {"css/site.css\n", 404, 404, 404},
    {"\xff", 404, 404, 404},
};

TEST("a name leads below its directory or nowhere, by openat2 and without it")
{
    site_open();
    for (int way = 0; way < 3; way++) {
        open_site(way == 2, way == 1);
        for (size_t i = 0; i < COUNT(ways); i++) {
            int expected = way == 0   ? ways[i].beneath
                           : way == 1 ? ways[i].checked
                                      : ways[i].followed;
            int status = get(ways[i].name);
            if (status != expected)
                TEST_FAIL("way %d: \"%s\" gave %d", way, ways[i].name, status);
        }
        CHECK_INT(serve(HTTP_GET, STR("css/site.css\0.png"), "", NULL, 0), 404);
    }
    site_close();
}

TEST("a file that may not be read is 403")
{
    site_open();
    CHECK_INT(chmod(at("root/both.txt"), 0), 0);
    /* root reads everything: then there is nothing to see */
    CHECK_INT(get("both.txt"), access(at("root/both.txt"), R_OK) == 0 ? 200 : 403);
    site_close();
}

TEST("an alias comes before the roots, and an earlier root before a later")
{
    site_open();
    write_file("root/css/lib.css", "root's", 6);
    CHECK_INT(get("css/lib.css"), 200);
    CHECK_STR(site.response.body, "lib");
    CHECK_INT(get("both.txt"), 200);
    CHECK_STR(site.response.body, "first");
    site_close();
}

TEST("a directory that is not there is an error with its name")
{
    const char *roots[] = {"/nonexistent/vote"};
    struct static_config config = {.roots = roots, .root_count = 1};
    char error[128];
    CHECK(!static_new(&config, error, sizeof error));
    CHECK_STR(str_from(error), "/nonexistent/vote: No such file or directory");
}

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

TEST("the right version in the query makes an answer immutable, another does not")
{
    site_open();
    const char *version = arena_cstr(&site.arena, static_version(site.files, STR("css/site.css")));
    CHECK_INT(strlen(version), 16);
    CHECK_STR(static_version(site.files, STR("css/site.css")), version);
    serve(HTTP_GET, STR("css/site.css"), arena_printf(&site.arena, "v=%s", version), NULL, 0);
    CHECK_STR(header("cache-control"), "public, max-age=31536000, immutable");
    static const char *const others[] = {"v=", "v=0000000000000000", "v", "w=1", "%zz", "&&&&"};
    for (size_t i = 0; i < COUNT(others); i++) {
        CHECK_INT(serve(HTTP_GET, STR("css/site.css"), others[i], NULL, 0), 200);
        CHECK_STR(header("cache-control"), "no-cache");
    }
    CHECK_INT(static_version(site.files, STR("nothing")).size, 0);
    CHECK_INT(static_version(site.files, STR("../rootsecret.txt")).size, 0);
    CHECK_INT(static_version(site.files, STR("css")).size, 0);
    site_close();
}

TEST("a changed file has another tag and, when it is asked for, another version")
{
    site_open();
    const char *version = arena_cstr(&site.arena, static_version(site.files, STR("css/site.css")));
    get("css/site.css");
    const char *etag = arena_cstr(&site.arena, header("etag"));
    write_file("root/css/site.css", "body {} ", 8);
    a_second_later();
    serve(HTTP_GET, STR("css/site.css"), arena_printf(&site.arena, "v=%s", version), NULL, 0);
    CHECK_STR(header("cache-control"), "no-cache");
    CHECK(!str_equal(header("etag"), str_from(etag)));
    CHECK(!str_equal(static_version(site.files, STR("css/site.css")), str_from(version)));
    write_file("root/css/site.css", "BODY {} ", 8);
    a_second_later();
    static const struct timespec later[2] = {{.tv_sec = MODIFIED},
                                             {.tv_sec = MODIFIED, .tv_nsec = 6}};
    const char *upper = arena_cstr(&site.arena, static_version(site.files, STR("css/site.css")));
    CHECK_INT(utimensat(AT_FDCWD, at("root/css/site.css"), later, 0), 0);
    a_second_later();
    serve(HTTP_GET, STR("css/site.css"), arena_printf(&site.arena, "v=%s", upper), NULL, 0);
    CHECK_STR(header("cache-control"), "no-cache");
    write_file("root/css/site.css", "body {}", 7);
    a_second_later();
    serve(HTTP_GET, STR("css/site.css"), arena_printf(&site.arena, "v=%s", version), NULL, 0);
    CHECK_STR(header("cache-control"), "public, max-age=31536000, immutable");
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

/* ---- listing ------------------------------------------------------------------------------- */

static int list(const char *path, const char *name)
{
    struct http_request request = {.method = HTTP_GET, .path = str_from(path)};
    static_serve(site.files, &request, str_from(name), &site.arena, &site.response);
    return site.response.status;
}

TEST("a directory is listed if the operator says so: what would be served, its names escaped")
{
    site_open();
    CHECK_INT(list("/static/css", "css"), 403);
    write_file("root/css/<a href='x'>&\".txt", "x", 1);
    write_file("second/javascript:x?y=%41", "x", 1);
    CHECK_INT(mkdir(at("second/css"), 0755), 0);
    write_file("second/css/site.css", "x", 1);
    write_file("second/css/deep.css", "x", 1);
    site.show_index = true;
    open_site(false, false);
    CHECK_INT(list("/static/css", "css"), 200);
    CHECK_STR(header("content-type"), "text/html; charset=utf-8");
    const char *page = arena_cstr(&site.arena, site.response.body);
    CHECK(strstr(page, "<ul>\n<li><a href=\"/static/css/%3Ca%20href%3D%27x%27%3E%26%22.txt\">"
                       "&#60;a href=&#39;x&#39;&#62;&#38;&#34;.txt</a></li>\n"
                       "<li><a href=\"/static/css/deep.css\">deep.css</a></li>\n"
                       "<li><a href=\"/static/css/site.css\">site.css</a></li>\n</ul>"));
    CHECK_INT(list("/static/", ""), 200);
    page = arena_cstr(&site.arena, site.response.body);
    CHECK(strstr(page, "<a href=\"/static/javascript%3Ax%3Fy%3D%2541\">"));
    CHECK(strstr(page, "<a href=\"/static/css/\">css/</a>"));
    CHECK(strstr(page, ">inside.css<"));
    static const char *const hidden[] = {">fifo",    ">socket", ">relative.txt", ">absolute.txt",
                                         ">away",    ">loop",   ">dangling",     ">..",
                                         ">lib.css", "secret"};
    for (size_t i = 0; i < COUNT(hidden); i++)
        if (strstr(page, hidden[i]))
            TEST_FAIL("%s is listed", hidden[i]);
    CHECK_INT(list("/static/away", "away"), 404);
    CHECK_INT(list("/static/fifo", "fifo"), 403);
    CHECK_INT(list("/static/nothing", "nothing"), 404);
    site_close();
}

/* ---- the open files ------------------------------------------------------------------------ */

TEST("an open file is believed for less than a second")
{
    site_open();
    get("css/site.css");
    write_file("root/css/site.css", "body { }", 8);
    now += 999;
    get("css/site.css");
    CHECK_STR(site.response.body, "body {}");
    now += 1;
    get("css/site.css");
    CHECK_STR(site.response.body, "body { }");
    CHECK_INT(unlink(at("root/css/site.css")), 0);
    a_second_later();
    CHECK_INT(get("css/site.css"), 404);
    site_close();
}

static size_t open_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

TEST("no more files stay open than there is room for, those asked for lately")
{
    site_open();
    get("css/site.css");
    size_t before = open_descriptors();
    for (int i = 0; i < 3 * STATIC_CACHE_FILES; i++) {
        const char *name = arena_printf(&site.arena, "n%d.txt", i);
        write_file(arena_printf(&site.arena, "root/%s", name), "x", 1);
        CHECK_INT(get(name), 200);
        if (i == 0)
            write_file("root/css/site.css", "later", 5);
        get("css/site.css");
        CHECK_STR(site.response.body, "body {}");
    }
    CHECK_INT(open_descriptors() - before, STATIC_CACHE_FILES - 1);
    CHECK_INT(unlink(at("root/n0.txt")), 0);
    CHECK_INT(get("n0.txt"), 404);
    site_close();
}

TEST_MAIN
