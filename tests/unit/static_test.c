#include "gateway/static.h"
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
};

static struct site site;

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
                                   .no_openat2 = no_openat2};
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
    static const char *const dirs[] = {"root", "root/css", "second", "outside"};
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
    serve(HTTP_GET, STR("css/site.css"), arena_printf(&site.arena, "v=%s", version), NULL, 0);
    CHECK_STR(header("cache-control"), "no-cache");
    CHECK(!str_equal(header("etag"), str_from(etag)));
    CHECK(!str_equal(static_version(site.files, STR("css/site.css")), str_from(version)));
    write_file("root/css/site.css", "BODY {} ", 8);
    static const struct timespec later[2] = {{.tv_sec = MODIFIED},
                                             {.tv_sec = MODIFIED, .tv_nsec = 6}};
    const char *upper = arena_cstr(&site.arena, static_version(site.files, STR("css/site.css")));
    CHECK_INT(utimensat(AT_FDCWD, at("root/css/site.css"), later, 0), 0);
    serve(HTTP_GET, STR("css/site.css"), arena_printf(&site.arena, "v=%s", upper), NULL, 0);
    CHECK_STR(header("cache-control"), "no-cache");
    write_file("root/css/site.css", "body {}", 7);
    serve(HTTP_GET, STR("css/site.css"), arena_printf(&site.arena, "v=%s", version), NULL, 0);
    CHECK_STR(header("cache-control"), "public, max-age=31536000, immutable");
    site_close();
}

TEST_MAIN
