/* Every row names its rule: a section of RFC 9112 unless it says otherwise. */
#include "gateway/http/parser.h"
#include "gateway/http/syntax.h"
#include "tests/unit/test.h"

#define HOST     "Host: vote.example\r\n"
#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct http_limits limits = HTTP_LIMITS_DEFAULT;

struct parsed {
    struct arena arena;
    struct http_parser parser;
    size_t taken;
};

/* Feeds the input in pieces that end at first_cut and then every `step` bytes. */
static void parse_cut(struct parsed *parsed, struct str input, size_t first_cut, size_t step,
                      const struct http_limits *with)
{
    *parsed = (struct parsed){0};
    http_parser_init(&parsed->parser, &parsed->arena, with);
    for (size_t at = 0, end = first_cut; at < input.size; at = end, end += step) {
        if (end > input.size)
            end = input.size;
        /* A copy of exact size, gone after the call: nothing may point into it. */
        char *piece = malloc(end - at + 1);
        memcpy(piece, input.data + at, end - at);
        size_t taken = http_parser_feed(&parsed->parser, str_make(piece, end - at));
        free(piece);
        parsed->taken += taken;
        if (taken < end - at || parsed->parser.state == HTTP_PARSE_FAILED)
            break;
    }
}

static void parse(struct parsed *parsed, struct str input)
{
    parse_cut(parsed, input, input.size, 1, &limits);
}

static void parsed_free(struct parsed *parsed)
{
    http_parser_free(&parsed->parser);
    arena_free(&parsed->arena);
}

static const struct reject {
    const char *rule;
    int status;
    struct str input;
} rejects[] = {
    {"2.2 bare LF ends the request line", 400, STR("GET / HTTP/1.1\nHost: a\r\n\r\n")},
    {"2.2 bare LF ends a field", 400, STR("GET / HTTP/1.1\r\nHost: a\n\r\n")},
    {"2.2 bare LF, not to be taken for two bytes", 400, STR("GET / HTTP/1.1\r\nHost: ab\n\r\n")},
    {"2.2 bare LF for the empty line", 400, STR("GET / HTTP/1.1\r\nHost: a\r\n\n")},
    {"2.2 bare CR in the request line", 400, STR("GET /\r HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"2.2 bare CR in a field", 400, STR("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n")},
    {"2.2 CR CR LF", 400, STR("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n")},
    {"2.2 two empty lines before the request", 400, STR("\r\n\r\nGET / HTTP/1.1\r\n")},
    {"2.2 blank before the first field", 400, STR("GET / HTTP/1.1\r\n Host: a\r\n\r\n")},
    {"5.2 obs-fold", 400, STR("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n")},
    {"5.2 obs-fold with a tab", 400, STR("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\t2\r\n\r\n")},
    {"5.1 blank before the colon", 400, STR("GET / HTTP/1.1\r\nHost : a\r\n\r\n")},
    {"5 no colon", 400, STR("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n")},
    {"5 no name", 400, STR("GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n")},
    {"5.1 a name that is no token", 400, STR("GET / HTTP/1.1\r\nHost: a\r\nX(: x\r\n\r\n")},
    {"9110 5.5 NUL in a field", 400, STR("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n")},
    {"9110 5.5 control in a field", 400, STR("GET / HTTP/1.1\r\nHost: a\r\nX: a\x01\r\n\r\n")},
    {"9110 5.5 DEL in a field", 400, STR("GET / HTTP/1.1\r\nHost: a\r\nX: a\x7f\r\n\r\n")},
    {"3 NUL in the request line", 400, STR("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"3 two blanks", 400, STR("GET  / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"3 a blank at the end", 400, STR("GET / HTTP/1.1 \r\nHost: a\r\n\r\n")},
    {"3 a tab between", 400, STR("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"3 no version (HTTP/0.9)", 400, STR("GET /\r\n")},
    {"3 nothing but a method", 400, STR("GET\r\n")},
    {"3.1 a method that is no token", 400, STR("G@T / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"TLS where HTTP is spoken", 400, STR("\x16\x03\x01\x02\x00\x01")},
    {"3.1 an unknown method", 501, STR("BREW / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"3.1 methods have a case", 501, STR("get / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"3.2.3 CONNECT", 501, STR("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n")},
    {"2.3 HTTP/2.0", 505, STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
    {"2.3 HTTP/1.2", 505, STR("GET / HTTP/1.2\r\nHost: a\r\n\r\n")},
    {"2.3 the name has a case", 400, STR("GET / http/1.1\r\nHost: a\r\n\r\n")},
    {"2.3 one digit each", 400, STR("GET / HTTP/1.10\r\nHost: a\r\n\r\n")},
    {"2.3 digits", 400, STR("GET / HTTP/1.x\r\nHost: a\r\n\r\n")},
    {"3.2 control in the target", 400, STR("GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"3.2 DEL in the target", 400, STR("GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"3.2 bytes past ASCII in the target", 400, STR("GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"3.2 a fragment", 400, STR("GET /#a HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"3986 2.1 a broken escape", 400, STR("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"3986 2.1 an escape cut short", 400, STR("GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"3.2.1 no slash first", 400, STR("GET a HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"3.2.4 asterisk with GET", 400, STR("GET * HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"3.2.2 the target's host is another", 400, STR("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"3.2.2 the target's port is another", 400,
     STR("GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"3.2.2 no host", 400, STR("GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"3.2.2 user information", 400, STR("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"3.2.2 another scheme", 400, STR("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"3.2 no Host", 400, STR("GET / HTTP/1.1\r\n\r\n")},
    {"3.2 two Hosts", 400, STR("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n")},
    {"3.2 two Hosts, HTTP/1.0", 400, STR("GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n")},
    {"3.2 an empty Host", 400, STR("GET / HTTP/1.1\r\nHost:\r\n\r\n")},
    {"3.2 a Host that is none", 400, STR("GET / HTTP/1.1\r\nHost: a b\r\n\r\n")},
    {"3.2 a Host with a path", 400, STR("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n")},
    {"3.2 a port that is none", 400, STR("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n")},
    {"3986 3.2.2 an address in brackets without an end", 400,
     STR("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n")},
    {"3986 3.2.2 brackets around nothing", 400, STR("GET / HTTP/1.1\r\nHost: []\r\n\r\n")},
    {"3986 3.2.2 brackets around no address", 400, STR("GET / HTTP/1.1\r\nHost: [::g]\r\n\r\n")},
    {"3986 3.2.2 something behind the brackets", 400,
     STR("GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n")},
    {"3.2 a list of Hosts", 400, STR("GET / HTTP/1.1\r\nHost: a, b:\r\n\r\n")},
    {"6.3 equal lengths twice", 400,
     STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na")},
    {"6.3 conflicting lengths", 400,
     STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab")},
    {"6.3 a list of lengths", 400, STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\na")},
    {"6.3 a length with a sign", 400,
     STR("POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\na")},
    {"6.3 a negative length", 400, STR("POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n")},
    {"6.3 a hexadecimal length", 400,
     STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 0x1\r\n\r\na")},
    {"6.3 an empty length", 400, STR("POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n")},
    {"6.3 a length past the limit", 413,
     STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 1048577\r\n\r\n")},
    {"6.3 a length past all numbers", 413,
     STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\n")},
    {"6.1 length and coding", 400,
     STR("POST / HTTP/1.1\r\n" HOST
         "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {"6.1 another coding", 400, STR("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n")},
    {"6.1 a coding before chunked", 400,
     STR("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")},
    {"6.1 chunked twice", 400,
     STR("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n")},
    {"6.1 two lines of chunked", 400,
     STR("POST / HTTP/1.1\r\n" HOST
         "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {"6.1 identity", 400, STR("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n")},
    {"6.1 an empty coding", 400, STR("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n\r\n")},
    {"6.1 chunked with a parameter", 400,
     STR("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n")},
    {"6.1 chunked in HTTP/1.0", 400,
     STR("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
    {"9110 10.1.1 another expectation", 417,
     STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nExpect: tea\r\n\r\n")},
};

#define CHUNKED "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"

static const struct reject chunk_rejects[] = {
    {"7.1 no size", 400, STR(CHUNKED "\r\n")},
    {"7.1 a size that is no number", 400, STR(CHUNKED "g\r\n")},
    {"7.1 0x", 400, STR(CHUNKED "0x1\r\na\r\n0\r\n\r\n")},
    {"7.1 a sign", 400, STR(CHUNKED "+1\r\na\r\n0\r\n\r\n")},
    {"7.1 a blank before the size", 400, STR(CHUNKED " 1\r\na\r\n0\r\n\r\n")},
    {"7.1 a blank behind the size", 400, STR(CHUNKED "1 \r\na\r\n0\r\n\r\n")},
    {"7.1 bare LF behind the size", 400, STR(CHUNKED "1\na\r\n0\r\n\r\n")},
    {"7.1 bare CR behind the size", 400, STR(CHUNKED "1\ra\r\n0\r\n\r\n")},
    {"7.1 no CRLF behind the data", 400, STR(CHUNKED "1\r\nab\r\n0\r\n\r\n")},
    {"7.1 bare LF behind the data", 400, STR(CHUNKED "1\r\na\n0\r\n\r\n")},
    {"7.1 bare LF at the end", 400, STR(CHUNKED "0\r\n\n")},
    {"7.1 more digits than a size has", 400, STR(CHUNKED "00000000000000001\r\na\r\n0\r\n\r\n")},
    {"7.1 a size past the limit", 413, STR(CHUNKED "100001\r\n")},
    {"7.1 a size past all numbers", 413, STR(CHUNKED "ffffffffffffffff\r\n")},
    {"7.1 the sum past the limit", 413, STR(CHUNKED "1\r\na\r\n100000\r\n")},
    {"7.1.1 a control in an extension", 400, STR(CHUNKED "1;a=\x01\r\na\r\n0\r\n\r\n")},
    {"7.1.1 bare LF in an extension", 400, STR(CHUNKED "1;a\na\r\n0\r\n\r\n")},
    {"7.1.2 a trailer that is no field", 400, STR(CHUNKED "0\r\nX\r\n\r\n")},
    {"7.1.2 a trailer with a blank name", 400, STR(CHUNKED "0\r\nX : a\r\n\r\n")},
    {"7.1.2 a folded trailer", 400, STR(CHUNKED "0\r\nX: a\r\n b\r\n\r\n")},
    {"7.1.2 NUL in a trailer", 400, STR(CHUNKED "0\r\nX: \0\r\n\r\n")},
};

static void check_reject(const struct reject *row)
{
    struct parsed parsed;
    for (size_t cut = 1; cut <= row->input.size; cut++)
        for (size_t step = 1; step <= row->input.size; step += row->input.size - 1) {
            parse_cut(&parsed, row->input, cut, step, &limits);
            if (parsed.parser.state != HTTP_PARSE_FAILED || parsed.parser.status != row->status)
                TEST_FAIL("%s, cut at %zu: state %d, status %d", row->rule, cut,
                          parsed.parser.state, parsed.parser.status);
            parsed_free(&parsed);
            if (row->input.size == 1)
                break;
        }
}

TEST("what the RFC forbids is refused with its status, wherever it is cut")
{
    for (size_t i = 0; i < COUNT(rejects); i++)
        check_reject(&rejects[i]);
}

TEST("a chunked body is refused at the first byte that is wrong, wherever it is cut")
{
    for (size_t i = 0; i < COUNT(chunk_rejects); i++)
        check_reject(&chunk_rejects[i]);
}

static const struct accept {
    const char *rule;
    struct str input;
    enum http_method method;
    const char *path, *query, *host, *body;
    bool keep_alive, expect_continue;
} accepts[] = {
    {"3 the least", STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_GET, "/", "", "a", "", true},
    {"2.2 one empty line before", STR("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_GET, "/", "",
     "a", "", true},
    {"3.2.1 origin form with query", STR("GET /a/b?c=%20?d HTTP/1.1\r\nHost: a:80\r\n\r\n"),
     HTTP_GET, "/a/b", "c=%20?d", "a:80", "", true},
    {"3.2.2 absolute form", STR("GET http://A.b:8/x?y HTTP/1.1\r\nHost: a.B:8\r\n\r\n"), HTTP_GET,
     "/x", "y", "a.B:8", "", true},
    {"3.2.2 absolute form without a path", STR("GET HTTPS://a?q HTTP/1.1\r\nHost: a\r\n\r\n"),
     HTTP_GET, "/", "q", "a", "", true},
    {"3.2.2 absolute form, HTTP/1.0 without Host", STR("GET http://a HTTP/1.0\r\n\r\n"), HTTP_GET,
     "/", "", "a", "", false},
    {"3.2.4 asterisk", STR("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_OPTIONS, "*", "", "a", "",
     true},
    {"3986 3.2.2 an IPv6 host", STR("GET / HTTP/1.1\r\nHost: [::1]:9000\r\n\r\n"), HTTP_GET, "/",
     "", "[::1]:9000", "", true},
    {"3986 the path is decoded once", STR("GET /%e6%8A%95/%2541+b HTTP/1.1\r\nHost: a\r\n\r\n"),
     HTTP_GET, "/\xe6\x8a\x95/%41+b", "", "a", "", true},
    {"9.3 HTTP/1.0 ends", STR("GET / HTTP/1.0\r\n\r\n"), HTTP_GET, "/", "", "", "", false},
    {"9.3 HTTP/1.0 may go on", STR("GET / HTTP/1.0\r\nConnection: x, Keep-Alive\r\n\r\n"), HTTP_GET,
     "/", "", "", "", true},
    {"9.3 close wins",
     STR("GET / HTTP/1.1\r\n" HOST "Connection: keep-alive\r\n"
         "Connection: te ,close\r\n\r\n"),
     HTTP_GET, "/", "", "vote.example", "", false},
    {"6.3 a length", STR("POST /p HTTP/1.1\r\n" HOST "Content-Length: 005\r\n\r\nhello"), HTTP_POST,
     "/p", "", "vote.example", "hello", true},
    {"6.3 length 0", STR("POST /p HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"), HTTP_POST, "/p",
     "", "vote.example", "", true},
    {"7.1 chunks", STR(CHUNKED "3\r\nvot\r\n0000B\r\ne\r\n0\r\n\r\nxy\n\r\n0\r\n\r\n"), HTTP_POST,
     "/", "", "vote.example", "vote\r\n0\r\n\r\nxy\n", true},
    {"7.1 no chunk", STR(CHUNKED "0\r\n\r\n"), HTTP_POST, "/", "", "vote.example", "", true},
    {"7.1.1 extensions are skipped", STR(CHUNKED "1;a=\"b;c\"\r\nx\r\n0;z\r\n\r\n"), HTTP_POST, "/",
     "", "vote.example", "x", true},
    {"7.1.2 trailers are skipped", STR(CHUNKED "1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n"), HTTP_POST, "/",
     "", "vote.example", "x", true},
    {"6.1 codings have no case",
     STR("POST / HTTP/1.1\r\n" HOST "transfer-encoding:CHUNKED\r\n\r\n0\r\n\r\n"), HTTP_POST, "/",
     "", "vote.example", "", true},
    {"9110 10.1.1 the client waits",
     STR("PUT / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nExpect: 100-Continue\r\n\r\nx"), HTTP_PUT,
     "/", "", "vote.example", "x", true, true},
    {"9110 10.1.1 HTTP/1.0 cannot wait",
     STR("PUT / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx"), HTTP_PUT, "/", "",
     "", "x", false, false},
};

static void check_accept(const struct accept *row, size_t cut, size_t step)
{
    static const char next[] = "GET /next HTTP/1.1\r\n";
    struct parsed parsed;
    struct str input = row->input;
    char *text = malloc(input.size + sizeof next);
    memcpy(text, input.data, input.size);
    memcpy(text + input.size, next, sizeof next);
    parse_cut(&parsed, str_make(text, input.size + sizeof next - 1), cut, step, &limits);
    free(text);
    const struct http_request *request = &parsed.parser.request;
    if (parsed.parser.state != HTTP_PARSE_DONE)
        TEST_FAIL("%s, cut at %zu: state %d, status %d", row->rule, cut, parsed.parser.state,
                  parsed.parser.status);
    CHECK_INT(parsed.taken, input.size);
    CHECK_INT(request->method, row->method);
    CHECK_STR(request->path, row->path);
    CHECK_STR(request->query, row->query);
    CHECK_STR(request->host, row->host);
    CHECK_STR(request->body, row->body);
    CHECK_INT(request->keep_alive, row->keep_alive);
    CHECK_INT(request->expect_continue, row->expect_continue);
    parsed_free(&parsed);
}

TEST("a good request says the same wherever it is cut, and ends where the next begins")
{
    for (size_t i = 0; i < COUNT(accepts); i++)
        for (size_t cut = 1; cut <= accepts[i].input.size + 1; cut++) {
            check_accept(&accepts[i], cut, 1);
            check_accept(&accepts[i], cut, accepts[i].input.size + 32);
        }
}

TEST("a path with two meanings is empty, so that nothing is found by it")
{
    static const char *const refused[] = {
        "/a/../b", "/..",     "/.",     "/a/.",   "/./a",     "/%2e%2e/a", "/a/%2E",  "/.%2e/",
        "//",      "/a//b",   "//a",    "/a%2fb", "/..%2Fa",  "/a%00",     "/%c0%af", "/%ff",
        "/%e6%8a", "/%0d%0a", "/a%7fb", "/%09",   "/%c0%80/", "/%ed%a0%80"};
    static const char *const kept[] = {"/...", "/.a", "/a./", "/a..b", "/a/", "/%7e", "/a%5cb"};
    for (size_t i = 0; i < COUNT(refused) + COUNT(kept); i++) {
        bool keep = i >= COUNT(refused);
        const char *path = keep ? kept[i - COUNT(refused)] : refused[i];
        char text[128];
        struct parsed parsed;
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
        parse(&parsed, str_from(text));
        CHECK_INT(parsed.parser.state, HTTP_PARSE_DONE);
        if ((parsed.parser.request.path.size > 0) != keep)
            TEST_FAIL("%s became \"%.*s\"", path, STR_ARG(parsed.parser.request.path));
        CHECK_STR(parsed.parser.request.target, path);
        parsed_free(&parsed);
    }
}

TEST("headers keep their order and bytes, and are found by name in any case")
{
    struct parsed parsed;
    parse(&parsed, STR("GET / HTTP/1.1\r\nHOST:a\r\nX-A: \t one, two \t\r\nx-b:\r\n"
                       "X-a: three\r\nX-C: \xe6\x8a\x95\ta\r\n\r\n"));
    const struct http_request *request = &parsed.parser.request;
    struct str last;
    CHECK_INT(request->header_count, 5);
    CHECK_STR(request->headers[1].name, "X-A");
    CHECK_STR(http_header(request, "x-a"), "one, two");
    CHECK_STR(http_header(request, "X-B"), "");
    CHECK(http_header(request, "X-B").data);
    CHECK(!http_header(request, "X-D").data);
    CHECK_STR(http_header(request, "x-c"), "\xe6\x8a\x95\ta");
    CHECK_INT(http_header_count(request, "X-A", &last), 2);
    CHECK_STR(last, "three");
    CHECK(http_header_has(request, "x-a", "TWO"));
    CHECK(http_header_has(request, "x-a", "three"));
    CHECK(!http_header_has(request, "x-a", "on"));
    parsed_free(&parsed);
}

/* A request whose request line, field or header section has exactly `size` bytes. */
static struct str grown(struct arena *arena, const char *before, size_t size, const char *after)
{
    char *fill = arena_alloc(arena, size + 1);
    memset(fill, 'a', size);
    return str_from(arena_printf(arena, "%s%s%s", before, fill, after));
}

static int status_of(struct str input, size_t step)
{
    struct parsed parsed;
    parse_cut(&parsed, input, step, step, &limits);
    int status = parsed.parser.state == HTTP_PARSE_FAILED ? parsed.parser.status
                 : parsed.parser.state == HTTP_PARSE_DONE ? 200
                                                          : 0;
    parsed_free(&parsed);
    return status;
}

TEST("each limit holds to the byte, whole or cut, with an end of line in sight or without")
{
    struct arena arena = {0};
    static const size_t steps[] = {1, 7, 100000};
    for (size_t i = 0; i < COUNT(steps); i++) {
        size_t line = 8190 - strlen("GET / HTTP/1.1");
        const char *rest = " HTTP/1.1\r\n" HOST "\r\n";
        CHECK_INT(status_of(grown(&arena, "GET /", line, rest), steps[i]), 200);
        CHECK_INT(status_of(grown(&arena, "GET /", line + 1, rest), steps[i]), 414);
        CHECK_INT(status_of(grown(&arena, "GET /", 8190 - 5 + 1, ""), steps[i]), 0);
        CHECK_INT(status_of(grown(&arena, "GET /", 8190 - 5 + 2, ""), steps[i]), 414);
        const char *head = "GET / HTTP/1.1\r\n" HOST "X: ";
        CHECK_INT(status_of(grown(&arena, head, 8190 - 3, "\r\n\r\n"), steps[i]), 200);
        CHECK_INT(status_of(grown(&arena, head, 8190 - 2, "\r\n\r\n"), steps[i]), 431);
        CHECK_INT(status_of(grown(&arena, head, 8190 - 3 + 2, ""), steps[i]), 431);
    }
    arena_free(&arena);
}

TEST("the header section is limited in bytes and in number")
{
    struct arena arena = {0};
    const char *line = grown(&arena, "X: ", 4096 - 5, "\r\n").data;
    const char *seven =
        arena_printf(&arena, "%s%s%s%s%s%s%s", line, line, line, line, line, line, line);
    const char *head = arena_printf(&arena, "GET / HTTP/1.0\r\n%sY: ", seven);
    for (size_t step = 1; step < 200000; step += 99999) {
        CHECK_INT(status_of(grown(&arena, head, 4096 - 7, "\r\n\r\n"), step), 200);
        CHECK_INT(status_of(grown(&arena, head, 4096 - 6, "\r\n\r\n"), step), 431);
    }
    struct buf many = {0};
    buf_add_str(&many, STR("GET / HTTP/1.0\r\n"));
    for (int i = 0; i < 100; i++)
        buf_add_str(&many, STR("A: b\r\n"));
    buf_add_str(&many, STR("\r\n"));
    CHECK_INT(status_of(buf_str(&many), many.size), 200);
    many.size -= 2;
    buf_add_str(&many, STR("A: b\r\n\r\n"));
    CHECK_INT(status_of(buf_str(&many), many.size), 431);
    buf_free(&many);
    arena_free(&arena);
}

TEST("a body may be as large as the limit, in one chunk or in many, and no larger")
{
    struct arena arena = {0};
    size_t limit = limits.body;
    char *head =
        arena_printf(&arena, "POST / HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", limit);
    CHECK_INT(status_of(grown(&arena, head, limit, ""), 65536), 200);
    CHECK_INT(status_of(grown(&arena, CHUNKED "100000\r\n", limit, "\r\n0\r\n\r\n"), 65536), 200);
    struct buf chunks = {0};
    buf_add_str(&chunks, STR(CHUNKED));
    for (size_t i = 0; i < 1000; i++)
        buf_add_str(&chunks, STR("2\r\nab\r\n"));
    buf_add_str(&chunks, STR("0\r\n\r\n"));
    struct http_limits small = limits;
    struct parsed parsed;
    small.body = 2000;
    parse_cut(&parsed, buf_str(&chunks), 3, 3, &small);
    CHECK_INT(parsed.parser.state, HTTP_PARSE_DONE);
    CHECK_INT(parsed.parser.request.body.size, 2000);
    parsed_free(&parsed);
    small.body = 1999;
    parse_cut(&parsed, buf_str(&chunks), 3, 3, &small);
    CHECK_INT(parsed.parser.status, 413);
    parsed_free(&parsed);
    buf_free(&chunks);
    arena_free(&arena);
}

TEST("extensions and trailers are limited together")
{
    struct arena arena = {0};
    const char *end = "\r\na\r\n0\r\n\r\n";
    CHECK_INT(status_of(grown(&arena, CHUNKED "1;", CHUNK_EXTRA_MAX, end), 9), 200);
    CHECK_INT(status_of(grown(&arena, CHUNKED "1;", CHUNK_EXTRA_MAX + 1, end), 9), 400);
    const char *trailer = CHUNKED "0\r\nX:";
    CHECK_INT(status_of(grown(&arena, trailer, CHUNK_EXTRA_MAX - 1, "\r\n\r\n"), 9), 200);
    CHECK_INT(status_of(grown(&arena, trailer, CHUNK_EXTRA_MAX, "\r\n\r\n"), 9), 431);
    arena_free(&arena);
}

TEST("the head is there before the body, and nothing is set aside on a header's word")
{
    struct parsed parsed;
    parse(&parsed, STR("POST /p HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\nab"));
    CHECK_INT(parsed.parser.state, HTTP_PARSE_BODY);
    CHECK_STR(parsed.parser.request.path, "/p");
    CHECK(parsed.parser.body.capacity <= 65536);
    parsed_free(&parsed);
}

TEST("Allow is sorted, with commas and no blanks")
{
    struct arena arena = {0};
    CHECK_STR(http_allow(&arena, 1u << HTTP_POST | 1u << HTTP_HEAD | 1u << HTTP_GET),
              "GET,HEAD,POST");
    CHECK_STR(http_allow(&arena, 0), "");
    arena_free(&arena);
}

TEST_MAIN
