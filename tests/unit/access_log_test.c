#include "gateway/access_log.h"
#include "gateway/http/event.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the log writes to standard output. */
static size_t logged_as(enum log_format format, const struct http_request *request, char *out,
                        size_t room)
{
    struct event_base *loop = event_base_new();
    int file = memfd_create("vote-test", MFD_CLOEXEC), kept;
    struct id id = {{0xab}};
    fflush(stdout);
    CHECK((kept = dup(STDOUT_FILENO)) >= 0);
    CHECK(dup2(file, STDOUT_FILENO) >= 0);
    struct access_log *log = access_log_new(loop, 1, format);
    access_log_add(log, "192.0.2.1", request, 200, 512, id, 4210);
    access_log_free(log);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    ssize_t n = pread(file, out, room - 1, 0);
    CHECK(n > 0);
    out[n] = '\0';
    close(file);
    event_base_free(loop);
    return (size_t)n;
}

static size_t logged(const struct http_request *request, char *out, size_t room)
{
    return logged_as(LOG_KEY_VALUE, request, out, room);
}

TEST("where the log is JSON a line is an object with the same in it, whatever bytes came")
{
    char line[1024];
    struct http_header headers[] = {{STR("User-Agent"), STR("a\"\\\xff\n")}};
    struct http_request request = {.method_text = STR("GET"),
                                   .target = STR("/a?b"),
                                   .minor = 1,
                                   .headers = headers,
                                   .header_count = 1};
    logged_as(LOG_JSON, &request, line, sizeof line);
    CHECK(strncmp(line, "{\"time\":\"20", 11) == 0);
    CHECK_STR(
        str_from(strstr(line, "Z\",")),
        "Z\",\"level\":\"info\",\"event\":\"access\",\"client\":\"192.0.2.1\",\"method\":\"GET\","
        "\"target\":\"/a?b\",\"protocol\":\"HTTP/"
        "1.1\",\"status\":200,\"bytes\":512,\"referer\":\"\","
        "\"user_agent\":\"a\\u0022\\u005c\\u00ff\\u000a\","
        "\"request\":\"ab000000000000000000000000000000\",\"seconds\":0.004210}\n");
}

TEST("a line is in the combined format, with the request id and the time taken behind it")
{
    char line[1024];
    struct http_header headers[] = {{STR("User-Agent"), STR("curl/7")}};
    struct http_request request = {.method_text = STR("GET"),
                                   .target = STR("/a?b"),
                                   .minor = 1,
                                   .headers = headers,
                                   .header_count = 1};
    logged(&request, line, sizeof line);
    const char *stamp = strchr(line, '[');
    CHECK(stamp && strncmp(line, "192.0.2.1 - - [", 15) == 0);
    CHECK_STR(str_from(strchr(line, ']')),
              "] \"GET /a?b HTTP/1.1\" 200 512 \"-\" \"curl/7\" ab000000000000000000000000000000 "
              "0.004210\n");
}

TEST("no byte from outside can end a line, close a quote or move the cursor")
{
    char line[8192], all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    struct str bytes = str_make(all, sizeof all);
    struct http_header headers[] = {{STR("User-Agent"), bytes}, {STR("Referer"), STR("\"\\\n")}};
    struct http_request request = {
        .method_text = bytes, .target = bytes, .headers = headers, .header_count = 2};
    size_t size = logged(&request, line, sizeof line);
    size_t quotes = 0;
    for (size_t i = 0; i + 1 < size; i++) {
        CHECK(line[i] >= ' ' && line[i] < 0x7f);
        quotes += line[i] == '"';
    }
    CHECK_INT(quotes, 6);
    CHECK(strstr(line, " \"\\x22\\x5c\\x0a\" "));
    CHECK(strstr(line, "\\x7f\\x80"));
}

TEST("a request that could not be read is a line, too")
{
    char line[1024];
    logged(&(struct http_request){0}, line, sizeof line);
    CHECK(strstr(line, "\"  HTTP/1.0\" 200 512 \"-\" \"-\" "));
}

/* How many lines there are; the last must be whole. */
static int64_t count_lines(int from, size_t line_size)
{
    static char bytes[65536];
    int64_t size = 0;
    for (ssize_t n; (n = read(from, bytes, sizeof bytes)) > 0;)
        size += n;
    CHECK_INT(size % (int64_t)line_size, 0);
    return size / (int64_t)line_size;
}

TEST("while nobody reads nothing blocks, and every line is written whole or counted as dropped")
{
    enum { LINES = 20000 };
    struct http_request request = {.method_text = STR("GET"), .target = STR("/a")};
    char line[1024];
    size_t line_size = logged(&request, line, sizeof line);
    int ends[2], kept = dup(STDOUT_FILENO);
    CHECK(kept >= 0 && pipe2(ends, O_CLOEXEC) == 0);
    fflush(stdout);
    CHECK(dup2(ends[1], STDOUT_FILENO) >= 0);
    close(ends[1]);
    struct event_base *loop = event_base_new();
    struct access_log *log = access_log_new(loop, 1, LOG_KEY_VALUE);
    for (int i = 0; i < LINES; i++)
        access_log_add(log, "192.0.2.1", &request, 200, 512, (struct id){{0xab}}, 4210);
    int64_t dropped = access_log_dropped(log);
    CHECK(dropped > 0 && dropped < LINES);
    pid_t reader = fork();
    if (reader == 0 && close(STDOUT_FILENO) == 0) /* it would be a writer, too */
        _exit(count_lines(ends[0], line_size) == LINES - dropped ? 0 : 1);
    access_log_free(log);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    int status = -1;
    CHECK(waitpid(reader, &status, 0) == reader);
    CHECK_INT(status, 0);
    close(ends[0]);
    event_base_free(loop);
}

TEST("a reader that is gone is no reason to keep anything")
{
    struct http_request request = {.method_text = STR("GET"), .target = STR("/a")};
    int ends[2], kept = dup(STDOUT_FILENO);
    CHECK(kept >= 0 && pipe2(ends, O_CLOEXEC) == 0);
    signal(SIGPIPE, SIG_IGN);
    fflush(stdout);
    CHECK(dup2(ends[1], STDOUT_FILENO) >= 0);
    close(ends[1]);
    close(ends[0]);
    struct event_base *loop = event_base_new();
    struct access_log *log = access_log_new(loop, 1, LOG_KEY_VALUE);
    for (int i = 0; i < 20000; i++)
        access_log_add(log, "192.0.2.1", &request, 200, 512, (struct id){{0xab}}, 4210);
    int64_t dropped = access_log_dropped(log);
    access_log_free(log);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    CHECK_INT(dropped, 0);
    event_base_free(loop);
}

TEST_MAIN
