#include "proto/base/log.h"

#include "proto/base/buf.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int kept_stderr;
static char path[64];

static void capture(void)
{
    kept_stderr = dup(STDERR_FILENO);
    snprintf(path, sizeof path, "log_test.%d", (int)getpid());
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(fd, STDERR_FILENO);
    close(fd);
}

/* What was logged since capture(), without its time. */
static const char *captured(void)
{
    static char text[4096];
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    unlink(path);
    text[n > 0 ? n : 0] = '\0';
    const char *behind = strstr(text, text[0] == '{' ? "\"level\"" : "Z ");
    return behind ? behind : text;
}

static void log_all(void)
{
    log_info("thing_done", L_TEXT("plain", "word"), L_TEXT("odd", "a \"b\"\\\n"),
             L_STR("bytes", str_make("\xff.", 2)), L_TEXT("utf8", "投票"), L_INT("n", -7),
             L_ID("request", ((struct id){{0xab}})));
}

TEST("as text an event is one line of key=value, and nothing can forge another")
{
    capture();
    log_all();
    CHECK_STR(
        str_from(captured()),
        "Z info thing_done plain=word odd=\"a \\\"b\\\"\\\\\\x0a\" bytes=\"\\xff.\" utf8=投票 "
        "n=-7 request=ab000000000000000000000000000000\n");
}

TEST("as JSON it is one object a line")
{
    log_set_format(LOG_JSON);
    capture();
    log_all();
    const char *text = captured();
    log_set_format(LOG_KEY_VALUE);
    CHECK_STR(
        str_from(text),
        "\"level\":\"info\",\"event\":\"thing_done\",\"plain\":\"word\","
        "\"odd\":\"a \\\"b\\\"\\\\\\u000a\",\"bytes\":\"\\\\xff.\",\"utf8\":\"投票\",\"n\":-7,"
        "\"request\":\"ab000000000000000000000000000000\"}\n");
}

TEST("what is below the level is not written, until it is wanted")
{
    CHECK(!log_enabled(LOG_DEBUG));
    capture();
    log_debug("quiet");
    log_set_verbose(true);
    log_debug("loud");
    log_set_verbose(false);
    log_debug("quiet_again");
    const char *text = captured();
    CHECK(strstr(text, "info log_level level=debug"));
    CHECK(strstr(text, "debug loud"));
    CHECK(!strstr(text, "quiet"));
    CHECK(!log_enabled(LOG_DEBUG));
}

struct listener {
    struct log_watch watch;
    struct id request;
    struct buf text;
};

static void on_line(struct log_watch *watch, struct id request, struct str text)
{
    struct listener *listener = (struct listener *)watch;
    listener->request = request;
    buf_add_str(&listener->text, text);
}

TEST("who watches a thread's lines hears each with its request, as key=value")
{
    struct listener listener = {.watch.line = on_line};
    log_set_watch(&listener.watch);
    log_set_format(LOG_JSON);
    capture();
    log_debug("heard_too");
    log_warn("heard", L_ID("request", ((struct id){{7}})), L_INT("n", 1));
    log_set_watch(NULL);
    log_warn("unheard");
    CHECK(!strstr(captured(), "heard_too"));
    log_set_format(LOG_KEY_VALUE);
    CHECK_INT(listener.request.bytes[0], 7);
    CHECK_STR(buf_str(&listener.text), "debug heard_too"
                                       "warn heard request=07000000000000000000000000000000 n=1");
    buf_free(&listener.text);
}

TEST_MAIN
