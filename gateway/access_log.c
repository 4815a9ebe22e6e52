#include "gateway/access_log.h"

#include "gateway/http/event.h"
#include "proto/base/buf.h"
#include "proto/base/die.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { FLUSH_MS = 200, FLUSH_BYTES = 64 * 1024 };

struct access_log {
    struct event *timer;
    struct buf lines;
    time_t stamp_of; /* the second that stamp is for */
    char stamp[40];
};

static void flush(struct access_log *log)
{
    for (size_t done = 0; done < log->lines.size;) {
        ssize_t n = write(STDOUT_FILENO, log->lines.data + done, log->lines.size - done);
        if (n <= 0)
            break; /* nobody reads any more; serving goes on */
        done += (size_t)n;
    }
    buf_reset(&log->lines);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    flush(argument);
}

struct access_log *access_log_new(struct event_base *loop)
{
    struct access_log *log = calloc(1, sizeof *log);
    if (!log || !(log->timer = event_new(loop, -1, EV_PERSIST, on_timer, log)))
        die("out of memory");
    event_add(log->timer, &(struct timeval){.tv_usec = FLUSH_MS * 1000});
    return log;
}

static void add_quoted(struct buf *out, struct str s)
{
    buf_add_char(out, '"');
    if (s.size == 0)
        buf_add_char(out, '-');
    for (size_t i = 0; i < s.size; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
            buf_printf(out, "\\x%02x", c);
        else
            buf_add_char(out, (char)c);
    }
    buf_add_char(out, '"');
}

static void add_stamp(struct access_log *log)
{
    time_t now = time(NULL);
    if (now != log->stamp_of) {
        struct tm utc;
        gmtime_r(&now, &utc);
        strftime(log->stamp, sizeof log->stamp, " - - [%d/%b/%Y:%H:%M:%S +0000] ", &utc);
        log->stamp_of = now;
    }
    buf_add_str(&log->lines, str_from(log->stamp));
}

void access_log_add(struct access_log *log, const char *client, const struct http_request *request,
                    int status, int64_t bytes_sent, struct id id, int64_t duration_us)
{
    struct buf *out = &log->lines;
    char id_text[ID_TEXT + 1], line[64];
    buf_add_str(out, str_from(client));
    add_stamp(log);
    /* The request line once more, as sent; add_quoted works on one slice. */
    struct buf first = {0};
    buf_add_str(&first, request->method_text);
    buf_add_char(&first, ' ');
    buf_add_str(&first, request->target);
    snprintf(line, sizeof line, " HTTP/1.%d", request->minor);
    buf_add_str(&first, str_from(line));
    add_quoted(out, buf_str(&first));
    buf_free(&first);
    buf_printf(out, " %d %lld ", status, (long long)bytes_sent);
    add_quoted(out, http_header(request, "Referer"));
    buf_add_char(out, ' ');
    add_quoted(out, http_header(request, "User-Agent"));
    buf_printf(out, " %s %lld.%06lld\n", id_print(id, id_text), (long long)(duration_us / 1000000),
               (long long)(duration_us % 1000000));
    if (out->size >= FLUSH_BYTES)
        flush(log);
}

void access_log_free(struct access_log *log)
{
    if (!log)
        return;
    flush(log);
    event_free(log->timer);
    buf_free(&log->lines);
    free(log);
}
