#include "tests/unit/static_site.h"

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
