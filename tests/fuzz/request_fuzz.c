/* Any bytes as a connection's requests, read twice: in one piece, and cut where the first bytes of
 * the input say. Where the pieces are cut must not change what is read (a request smuggled in the
 * difference is how one client answers for another). */
#include "gateway/http/coding.h"
#include "gateway/http/cookie.h"
#include "gateway/http/parser.h"
#include "gateway/http/target.h"
#include "gateway/origin.h"
#include "tests/fuzz/fuzz.h"

enum { SEEDS = 4, REQUESTS_MAX = 64 };

static const struct http_limits limits = {
    .request_line = 200, .header_field = 200, .headers = 600, .header_count = 12, .body = 1000};

/* What one connection's bytes were read as, as text. */
struct reading {
    struct buf text;
    size_t taken;
};

static void check_request(const struct http_request *request)
{
    struct str cookie;
    PROMISE(request->path.size == 0 || request->path.data[0] == '/' ||
            str_equal(request->path, STR("*")));
    PROMISE(http_path_is_plain(request->path));
    PROMISE(request->host.size || request->minor == 0);
    for (size_t i = 0; i < request->header_count; i++)
        PROMISE(request->headers[i].name.size);
    http_cookie_get(request, "sessionid", &cookie);
    http_coding_weight(request, "br");
    origin_is_ours(request);
}

static void describe(const struct http_parser *parser, struct buf *out)
{
    const struct http_request *request = &parser->request;
    buf_printf(out, "[%d %d ", parser->state, parser->status);
    if (parser->state != HTTP_PARSE_DONE)
        return;
    check_request(request);
    PROMISE(request->body.size <= limits.body);
    buf_printf(out, "%d %d %d %d ", request->method, request->minor, request->keep_alive,
               request->expect_continue);
    const struct str texts[] = {request->target, request->path, request->query, request->host,
                                request->body};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        buf_add_str(out, texts[i]);
        buf_add_char(out, '|');
    }
    for (size_t i = 0; i < request->header_count; i++) {
        buf_add_str(out, request->headers[i].name);
        buf_add_char(out, ':');
        buf_add_str(out, request->headers[i].value);
        buf_add_char(out, ';');
    }
}

/* Pieces of 1 + seed[i] % 16 bytes, in turn; no seeds: one piece. Returns whether it goes on. */
static bool read_one(struct reading *reading, struct str input, const uint8_t *seeds)
{
    struct http_parser parser;
    struct arena arena = {0};
    size_t turn = 0;
    http_parser_init(&parser, &arena, &limits);
    while (reading->taken < input.size && parser.state <= HTTP_PARSE_BODY) {
        size_t left = input.size - reading->taken;
        size_t size = seeds ? 1 + seeds[turn++ % SEEDS] % 16u : left;
        struct str piece = str_make(input.data + reading->taken, size < left ? size : left);
        char *copy = fuzz_copy(piece);
        size_t taken = http_parser_feed(&parser, str_make(copy, piece.size));
        free(copy);
        PROMISE(taken <= piece.size);
        PROMISE(taken == piece.size || parser.state >= HTTP_PARSE_DONE);
        reading->taken += taken;
    }
    describe(&parser, &reading->text);
    bool goes_on = parser.state == HTTP_PARSE_DONE && parser.request.keep_alive;
    http_parser_free(&parser);
    arena_free(&arena);
    return goes_on;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading whole = {0}, cut = {0};
    if (size < SEEDS)
        return 0;
    struct str input = str_make((const char *)data + SEEDS, size - SEEDS);
    for (int i = 0; i < REQUESTS_MAX && whole.taken < input.size; i++)
        if (!read_one(&whole, input, NULL))
            break;
    for (int i = 0; i < REQUESTS_MAX && cut.taken < input.size; i++)
        if (!read_one(&cut, input, data))
            break;
    PROMISE(str_equal(buf_str(&whole.text), buf_str(&cut.text)));
    buf_free(&whole.text);
    buf_free(&cut.text);
    return 0;
}
