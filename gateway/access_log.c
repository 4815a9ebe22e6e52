#include "gateway/access_log.h"

#include "gateway/http/event.h"
#include "proto/base/buf.h"
#include "proto/base/die.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    FLUSH_MS = 200,
    FLUSH_BYTES = 64 * 1024,
    KEEP_BYTES = 1024 * 1024,
    LAST_MS = 1000,
    ALWAYS_FROM = 500
};

struct access_log {
    struct event *timer;
    struct buf lines;
    uint32_t every;
    bool json;
    size_t write_max; /* so much does not block once poll says that it is writable */
    bool stalled;     /* it was not, a moment ago */
    int64_t dropped;
    time_t stamp_of; /* the second that stamp is for */
    char stamp[40];
};

static bool is_writable(int timeout_ms)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, timeout_ms) > 0;
}

/* O_NONBLOCK would hold for everybody who shares this standard output; hence poll. */
static void flush(struct access_log *log)
{
    size_t done = 0;
    log->stalled = false;
    while (done < log->lines.size && !log->stalled) {
        size_t left = log->lines.size - done;
        ssize_t n = is_writable(0) ? write(STDOUT_FILENO, log->lines.data + done,
                                           left < log->write_max ? left : log->write_max)
                                   : 0;
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            done = log->lines.size; /* nobody reads any more; serving goes on */
        else if (n > 0)
            done += (size_t)n;
        else
            log->stalled = true;
    }
    buf_consume(&log->lines, done);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    flush(argument);
}

struct access_log *access_log_new(struct event_base *loop, int64_t every, enum log_format format)
{
    struct access_log *log = calloc(1, sizeof *log);
    if (!log || !(log->timer = event_new(loop, -1, EV_PERSIST, on_timer, log)))
        die("out of memory");
    log->every = (uint32_t)every;
    log->json = format == LOG_JSON;
    struct stat out;
    bool is_file = fstat(STDOUT_FILENO, &out) == 0 && S_ISREG(out.st_mode);
    log->write_max = is_file ? KEEP_BYTES : PIPE_BUF;
    event_add(log->timer, &(struct timeval){.tv_usec = FLUSH_MS * 1000});
    return log;
}

/* What stands between quotes; runs of plain bytes at once. */
static void add_escaped(struct buf *out, struct str s, bool json)
{
    size_t plain = 0;
    for (size_t i = 0; i < s.size; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
            continue;
        buf_add(out, s.data + plain, i - plain);
        buf_printf(out, json ? "\\u%04x" : "\\x%02x", c);
        plain = i + 1;
    }
    buf_add(out, s.data + plain, s.size - plain);
}

static void add_quoted(struct buf *out, struct str s)
{
    buf_add_char(out, '"');
    add_escaped(out, s.size ? s : STR("-"), false);
    buf_add_char(out, '"');
}

static void add_stamp(struct access_log *log)
{
    time_t now = time(NULL);
    if (now != log->stamp_of) {
        struct tm utc;
        gmtime_r(&now, &utc);
        strftime(log->stamp, sizeof log->stamp,
                 log->json ? "{\"time\":\"%Y-%m-%dT%H:%M:%SZ\"" : " - - [%d/%b/%Y:%H:%M:%S +0000] ",
                 &utc);
        log->stamp_of = now;
    }
    buf_add_str(&log->lines, str_from(log->stamp));
}

/* "0.004210" */
static void add_seconds(struct buf *out, int64_t us)
{
    char fraction[6];
    int64_t rest = us % 1000000;
    for (int i = 5; i >= 0; i--, rest /= 10)
        fraction[i] = (char)('0' + rest % 10);
    buf_add_int(out, us / 1000000);
    buf_add_char(out, '.');
    buf_add(out, fraction, sizeof fraction);
}

/* An id is random. */
static bool is_left_out(const struct access_log *log, int status, struct id id)
{
    uint32_t random;
    memcpy(&random, id.bytes, sizeof random);
    return status < ALWAYS_FROM && log->every > 1 && random % log->every != 0;
}

/* What a line tells. */
struct access {
    const char *client;
    const struct http_request *request;
    int status;
    int64_t bytes_sent, duration_us;
    struct str id;
};

static void add_combined(struct access_log *log, const struct access *access)
{
    struct buf *out = &log->lines;
    const struct http_request *request = access->request;
    buf_add_str(out, str_from(access->client));
    add_stamp(log);
    buf_add_char(out, '"');
    add_escaped(out, request->method_text, false);
    buf_add_char(out, ' ');
    add_escaped(out, request->target, false);
    buf_add_str(out, request->minor ? STR(" HTTP/1.1\" ") : STR(" HTTP/1.0\" "));
    buf_add_int(out, access->status);
    buf_add_char(out, ' ');
    buf_add_int(out, access->bytes_sent);
    buf_add_char(out, ' ');
    add_quoted(out, http_header(request, "Referer"));
    buf_add_char(out, ' ');
    add_quoted(out, http_header(request, "User-Agent"));
    buf_add_char(out, ' ');
    buf_add_str(out, access->id);
    buf_add_char(out, ' ');
    add_seconds(out, access->duration_us);
}

static void add_member(struct buf *out, const char *key, struct str value)
{
    buf_printf(out, ",\"%s\":\"", key);
    add_escaped(out, value, true);
    buf_add_char(out, '"');
}

/* Bytes above 0x7e are taken for Latin-1: a target may be no UTF-8. */
static void add_json(struct access_log *log, const struct access *access)
{
    struct buf *out = &log->lines;
    const struct http_request *request = access->request;
    add_stamp(log);
    buf_add_str(out, STR(",\"level\":\"info\",\"event\":\"access\""));
    add_member(out, "client", str_from(access->client));
    add_member(out, "method", request->method_text);
    add_member(out, "target", request->target);
    add_member(out, "protocol", request->minor ? STR("HTTP/1.1") : STR("HTTP/1.0"));
    buf_printf(out, ",\"status\":%d,\"bytes\":%lld", access->status, (long long)access->bytes_sent);
    add_member(out, "referer", http_header(request, "Referer"));
    add_member(out, "user_agent", http_header(request, "User-Agent"));
    add_member(out, "request", access->id);
    buf_add_str(out, STR(",\"seconds\":"));
    add_seconds(out, access->duration_us);
    buf_add_char(out, '}');
}

void access_log_add(struct access_log *log, const char *client, const struct http_request *request,
                    int status, int64_t bytes_sent, struct id id, int64_t duration_us)
{
    if (is_left_out(log, status, id))
        return;
    struct buf *out = &log->lines;
    char id_text[ID_TEXT + 1];
    if (out->size >= KEEP_BYTES) {
        log->dropped++;
        return;
    }
    struct access access = {.client = client,
                            .request = request,
                            .status = status,
                            .bytes_sent = bytes_sent,
                            .duration_us = duration_us,
                            .id = str_from(id_print(id, id_text))};
    if (log->json)
        add_json(log, &access);
    else
        add_combined(log, &access);
    buf_add_char(out, '\n');
    if (out->size >= FLUSH_BYTES && !log->stalled)
        flush(log);
}

int64_t access_log_dropped(const struct access_log *log)
{
    return log->dropped;
}

void access_log_free(struct access_log *log)
{
    if (!log)
        return;
    do
        flush(log);
    while (log->lines.size && is_writable(LAST_MS));
    event_free(log->timer);
    buf_free(&log->lines);
    free(log);
}
