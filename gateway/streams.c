#include "gateway/streams.h"

#include "gateway/http/event.h"
#include "gateway/request.h"
#include "proto/base/die.h"

#include <stdlib.h>

struct stream {
    struct stream *next, *previous;
    struct streams *streams;
    struct http_exchange *exchange;
};

struct streams {
    struct stream *first;
    size_t count, max;
    struct event *heartbeat;
};

void streams_event(struct buf *out, const char *name, struct str data)
{
    buf_printf(out, "event: %s\n", name);
    do {
        struct str line = {0};
        str_cut(&data, '\n', &line);
        buf_add_str(out, STR("data: "));
        buf_add_str(out, str_trim(line, "\r"));
        buf_add_char(out, '\n');
    } while (data.size);
    buf_add_char(out, '\n');
}

/* A send may end its stream, and no other. */
static void send_all(struct streams *streams, struct str bytes)
{
    struct stream *next;
    for (struct stream *stream = streams->first; stream; stream = next) {
        next = stream->next;
        http_exchange_send(stream->exchange, bytes);
    }
}

static void on_heartbeat(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    send_all(argument, STR(":\n\n"));
}

struct streams *streams_new(struct event_base *loop, size_t max, int64_t heartbeat_ms)
{
    struct streams *streams = calloc(1, sizeof *streams);
    if (!streams)
        die("out of memory");
    streams->max = max;
    streams->heartbeat = event_new(loop, -1, EV_PERSIST, on_heartbeat, streams);
    if (!streams->heartbeat)
        die("out of memory");
    event_add(streams->heartbeat,
              &(struct timeval){heartbeat_ms / 1000, heartbeat_ms % 1000 * 1000});
    return streams;
}

void streams_free(struct streams *streams)
{
    if (!streams)
        return;
    must(streams->count == 0);
    event_free(streams->heartbeat);
    free(streams);
}

static struct stream *add(struct streams *streams, struct http_exchange *exchange)
{
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        die("out of memory");
    *stream = (struct stream){.next = streams->first, .streams = streams, .exchange = exchange};
    if (stream->next)
        stream->next->previous = stream;
    streams->first = stream;
    streams->count++;
    return stream;
}

void streams_open(struct streams *streams, struct request *request, struct str first)
{
    if (streams->count >= streams->max) {
        request_fail_http(request, 503);
        return;
    }
    struct http_response response = http_response_make(200, "text/event-stream", first);
    http_response_add(&response, "Cache-Control", STR("no-store"));
    http_response_add(&response, "X-Accel-Buffering", STR("no")); /* nginx is to pass it on */
    response.stream = true;
    if (request->http->method != HTTP_HEAD && !request->gateway->stopping)
        request->stream = add(streams, request->exchange);
    request_respond(request, &response); /* may end the request */
}

void streams_send(struct streams *streams, const char *name, struct str data)
{
    struct buf event = {0};
    streams_event(&event, name, data);
    send_all(streams, buf_str(&event));
    buf_free(&event);
}

void streams_closed(struct stream *stream)
{
    *(stream->previous ? &stream->previous->next : &stream->streams->first) = stream->next;
    if (stream->next)
        stream->next->previous = stream->previous;
    stream->streams->count--;
    free(stream);
}
