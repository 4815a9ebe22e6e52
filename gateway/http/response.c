#include "gateway/http/response.h"

#include "gateway/http/syntax.h"
#include "proto/base/die.h"

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *http_reason(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

struct http_response http_response_make(int status, const char *type, struct str body)
{
    struct http_response response = {.status = status, .body = body};
    if (type)
        http_response_add(&response, "Content-Type", str_from(type));
    return response;
}

bool http_response_add(struct http_response *response, const char *name, struct str value)
{
    must(http_all(str_from(name), HTTP_TOKEN));
    must(response->header_count < HTTP_RESPONSE_HEADERS);
    if (value.size && !http_all(value, HTTP_FIELD))
        return false;
    response->headers[response->header_count++] = (struct http_header){str_from(name), value};
    return true;
}

int64_t http_response_size(const struct http_response *response)
{
    return response->has_file ? response->file.size : (int64_t)response->body.size;
}

static bool is_bodiless(int status)
{
    return status == 204 || status == 304;
}

bool http_response_has_body(const struct http_response *response, bool is_head)
{
    return !is_head && !is_bodiless(response->status);
}

static void add_line(struct buf *out, struct str name, struct str value)
{
    buf_add_str(out, name);
    buf_add_str(out, STR(": "));
    buf_add_str(out, value);
    buf_add_str(out, STR("\r\n"));
}

void http_response_write_head(const struct http_response *response,
                              const struct http_response_frame *frame, struct buf *out)
{
    must(response->status >= 200 && response->status <= 599);
    buf_add_str(out, STR("HTTP/1.1 "));
    buf_add_int(out, response->status);
    buf_add_char(out, ' ');
    buf_add_str(out, str_from(http_reason(response->status)));
    buf_add_str(out, STR("\r\n"));
    add_line(out, STR("Date"), frame->date);
    if (frame->server.size)
        add_line(out, STR("Server"), frame->server);
    if (!is_bodiless(response->status) && !response->stream) {
        buf_add_str(out, STR("Content-Length: "));
        buf_add_int(out, http_response_size(response));
        buf_add_str(out, STR("\r\n"));
    }
    if (!frame->keep_alive)
        buf_add_str(out, STR("Connection: close\r\n"));
    else if (frame->minor == 0)
        buf_add_str(out, STR("Connection: keep-alive\r\n"));
    for (size_t i = 0; i < response->header_count; i++)
        add_line(out, response->headers[i].name, response->headers[i].value);
    buf_add_str(out, STR("\r\n"));
}

struct http_response http_error_response(struct arena *arena, int status)
{
    const char *text = arena_printf(arena, "%d: %s", status, http_reason(status));
    return http_response_make(status, "text/plain; charset=utf-8", str_from(text));
}
