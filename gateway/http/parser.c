/* The rule: a line is judged when its LF is seen, a limit when its last allowed byte is passed.
 * Both depend on the bytes alone, never on how they were cut. */
#include "gateway/http/parser.h"

#include "gateway/http/syntax.h"
#include "gateway/http/target.h"

enum { HEADERS_FIRST_ROOM = 16, BODY_FIRST_ROOM = 65536 };

void http_parser_init(struct http_parser *parser, struct arena *arena,
                      const struct http_limits *limits)
{
    *parser = (struct http_parser){.arena = arena, .limits = limits};
}

void http_parser_free(struct http_parser *parser)
{
    buf_free(&parser->line);
    buf_free(&parser->body);
    parser->request.body = (struct str){0};
}

static void finish(struct http_parser *parser)
{
    parser->request.body = buf_str(&parser->body);
    parser->state = HTTP_PARSE_DONE;
}

/* "HTTP/1.1" → 1, "HTTP/1.0" → 0; 400 if it is no HTTP-version, 505 if another. RFC 9112, 2.3. */
static int parse_version(struct str s, int *out_minor)
{
    if (s.size != 8 || !str_starts(s, STR("HTTP/")) || s.data[6] != '.')
        return 400;
    char major = s.data[5], minor = s.data[7];
    if (major < '0' || major > '9' || minor < '0' || minor > '9')
        return 400;
    if (major != '1' || minor > '1')
        return 505;
    *out_minor = minor - '0';
    return 0;
}

/* method SP request-target SP HTTP-version, RFC 9112 section 3. */
static int parse_request_line(struct http_parser *parser, struct str line)
{
    struct http_request *request = &parser->request;
    struct http_target target;
    parser->has_line = true;
    if (!str_cut(&line, ' ', &request->method_text) || !str_cut(&line, ' ', &request->target))
        return 400;
    if (!http_all(request->method_text, HTTP_TOKEN) || !http_all(request->target, HTTP_TARGET))
        return 400;
    int status = parse_version(line, &request->minor);
    if (status)
        return status;
    if (!http_method_find(request->method_text, &request->method))
        return 501;
    if (!http_target_parse(parser->arena, request->target, request->method, &target))
        return 400;
    request->path = target.path;
    request->query = target.query;
    request->host = target.authority;
    return 0;
}

static int parse_header(struct http_parser *parser, struct str line)
{
    struct http_request *request = &parser->request;
    struct http_header header;
    if (!http_field_line(line, &header.name, &header.value))
        return 400;
    if (request->header_count == parser->limits->header_count)
        return 431;
    if (request->header_count == parser->header_room) {
        size_t room = parser->header_room ? 2 * parser->header_room : HEADERS_FIRST_ROOM;
        struct http_header *headers = arena_array(parser->arena, room, sizeof *headers);
        if (request->header_count)
            memcpy(headers, request->headers, request->header_count * sizeof *headers);
        request->headers = headers;
        parser->header_room = room;
    }
    request->headers[request->header_count++] = header;
    return 0;
}

/* Exactly one Host (HTTP/1.0: at most one), and an absolute target names the same. RFC 9112, 3.2.
 */
static int check_host(struct http_request *request)
{
    struct str host;
    size_t count = http_header_count(request, "host", &host);
    if (count == 0)
        return request->minor == 0 ? 0 : 400;
    if (count > 1 || !http_is_authority(host))
        return 400;
    if (request->host.size && !str_equal_nocase(request->host, host))
        return 400;
    request->host = host;
    return 0;
}

/* RFC 9112 section 9.3. */
static void decide_keep_alive(struct http_request *request)
{
    if (http_header_has(request, "connection", "close"))
        request->keep_alive = false;
    else
        request->keep_alive =
            request->minor == 1 || http_header_has(request, "connection", "keep-alive");
}

/* RFC 9110 section 10.1.1: HTTP/1.0 cannot wait for 100. */
static int check_expect(struct http_request *request)
{
    struct str value;
    size_t count = http_header_count(request, "expect", &value);
    if (count == 0)
        return 0;
    if (count > 1 || !str_equal_nocase(value, STR("100-continue")))
        return 417;
    request->expect_continue = request->minor == 1;
    return 0;
}

static int parse_content_length(struct str value, size_t limit, size_t *out)
{
    size_t length = 0;
    if (value.size == 0)
        return 400;
    for (size_t i = 0; i < value.size; i++)
        if (value.data[i] < '0' || value.data[i] > '9')
            return 400;
    for (size_t i = 0; i < value.size; i++) {
        if (__builtin_mul_overflow(length, 10, &length) ||
            __builtin_add_overflow(length, (size_t)(value.data[i] - '0'), &length) ||
            length > limit)
            return 413;
    }
    *out = length;
    return 0;
}

/* decide_framing: the one place that says where a request ends (RFC 9112, section 6.3). */
static int decide_framing(struct http_parser *parser)
{
    struct str coding, length;
    size_t codings = http_header_count(&parser->request, "transfer-encoding", &coding);
    size_t lengths = http_header_count(&parser->request, "content-length", &length);
    if (codings) {
        if (codings > 1 || lengths || parser->request.minor == 0 ||
            !str_equal_nocase(coding, STR("chunked")))
            return 400;
        parser->is_chunked = true;
        return 0;
    }
    if (lengths > 1)
        return 400;
    return lengths ? parse_content_length(length, parser->limits->body, &parser->content_length)
                   : 0;
}

static int end_head(struct http_parser *parser)
{
    int status = check_host(&parser->request);
    if (!status)
        status = decide_framing(parser);
    if (!status)
        status = check_expect(&parser->request);
    if (status)
        return status;
    decide_keep_alive(&parser->request);
    buf_free(&parser->line);
    if (!parser->is_chunked && parser->content_length == 0)
        finish(parser);
    else
        parser->state = HTTP_PARSE_BODY;
    return 0;
}

/* line: with its LF. */
static int take_line(struct http_parser *parser, struct str line)
{
    if (line.size < 2 || line.data[line.size - 2] != '\r')
        return 400;
    line.size -= 2;
    if (parser->has_line)
        return line.size ? parse_header(parser, line) : end_head(parser);
    if (line.size)
        return parse_request_line(parser, line);
    if (parser->skipped_empty)
        return 400;
    parser->skipped_empty = true; /* RFC 9112 section 2.2 */
    return 0;
}

/* size: bytes of the line so far, the LF among them if ended. */
static int check_line_size(const struct http_parser *parser, size_t size, bool ended)
{
    const struct http_limits *limits = parser->limits;
    size_t limit = parser->has_line ? limits->header_field : limits->request_line;
    if (size + !ended > limit + 2)
        return parser->has_line ? 431 : 414;
    if (parser->has_line && parser->header_bytes + size > limits->headers)
        return 431;
    return 0;
}

/* Up to the end of one line. */
static size_t feed_head(struct http_parser *parser, struct str input)
{
    ptrdiff_t lf = str_find(input, '\n');
    struct str piece = lf < 0 ? input : str_make(input.data, (size_t)lf + 1);
    size_t size = parser->line.size + piece.size;
    bool starts_wrong = !parser->has_line && parser->line.size == 0 &&
                        !http_is(piece.data[0], HTTP_TOKEN) && piece.data[0] != '\r';
    int status = starts_wrong ? 400 : check_line_size(parser, size, lf >= 0);
    if (!status && (lf < 0 || parser->line.size))
        buf_add_str(&parser->line, piece);
    if (!status && lf >= 0) {
        struct str line =
            arena_str(parser->arena, parser->line.size ? buf_str(&parser->line) : piece);
        buf_reset(&parser->line);
        if (parser->has_line)
            parser->header_bytes += size;
        status = take_line(parser, line);
    }
    if (status) {
        parser->status = status;
        parser->state = HTTP_PARSE_FAILED;
    }
    return piece.size;
}

static size_t feed_body(struct http_parser *parser, struct str input)
{
    struct buf *body = &parser->body;
    if (parser->is_chunked) {
        size_t taken = http_chunked_feed(&parser->chunked, input, parser->limits->body, body);
        if (parser->chunked.state == CHUNK_FAILED) {
            parser->status = parser->chunked.status;
            parser->state = HTTP_PARSE_FAILED;
        } else if (parser->chunked.state == CHUNK_DONE) {
            finish(parser);
        }
        return taken;
    }
    /* No more than a little is set aside on the word of a header alone. */
    size_t left = parser->content_length - body->size;
    if (body->capacity == 0)
        buf_reserve(body, left < BODY_FIRST_ROOM ? left : BODY_FIRST_ROOM);
    size_t taken = input.size < left ? input.size : left;
    buf_add(body, input.data, taken);
    if (taken == left)
        finish(parser);
    return taken;
}

size_t http_parser_feed(struct http_parser *parser, struct str input)
{
    size_t taken = 0;
    while (taken < input.size) {
        struct str rest = str_make(input.data + taken, input.size - taken);
        if (parser->state == HTTP_PARSE_HEAD)
            taken += feed_head(parser, rest);
        else if (parser->state == HTTP_PARSE_BODY)
            taken += feed_body(parser, rest);
        else
            break;
    }
    return taken;
}
