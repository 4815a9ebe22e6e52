/* static_site: directories with all kinds of files in them, and one server of them, for the tests
 * of gateway/static. Its clock is the test's. */
#ifndef VOTE_TEST_STATIC_SITE_H
#define VOTE_TEST_STATIC_SITE_H

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

static inline int64_t test_clock(void)
{
    return now;
}

/* What the server knew of its files is a second old: it looks again. */
static inline void a_second_later(void)
{
    now += 1000;
}

static inline const char *at(const char *name)
{
    return arena_printf(&site.arena, "%s/%s", site.dir, name);
}

static inline void write_file(const char *name, const char *content, size_t size)
{
    struct timespec times[2] = {{.tv_sec = MODIFIED}, {.tv_sec = MODIFIED, .tv_nsec = 5}};
    int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    CHECK(fd >= 0);
    CHECK_INT(write(fd, content, size), (long long)size);
    CHECK_INT(futimens(fd, times), 0);
    close(fd);
}

static inline void open_site(bool follow_symlinks, bool no_openat2)
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

static inline void make_special(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CHECK_INT(mkfifo(at("root/fifo"), 0644), 0);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", at("root/socket"));
    CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
}

static inline void site_open(void)
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

static inline int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat, (void)type, (void)ftw;
    return remove(path);
}

static inline void site_close(void)
{
    static_free(site.files);
    nftw(site.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    arena_free(&site.arena);
}

static inline int serve(enum http_method method, struct str name, const char *query,
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

static inline int get(const char *name)
{
    return serve(HTTP_GET, str_from(name), "", NULL, 0);
}

static inline struct str header(const char *name)
{
    struct http_request as_request = {.headers = site.response.headers,
                                      .header_count = site.response.header_count};
    return http_header(&as_request, name);
}

#endif
