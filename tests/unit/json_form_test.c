/* JSON where a form is, through the table of decoders. */
#include "gateway/http/form.h"
#include "proto/json_form.h"
#include "tests/unit/test.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define JSON     STR("application/json")

static const struct http_form_limits limits = HTTP_FORM_LIMITS_DEFAULT;

TEST("a flat object is a form: texts, whole numbers, what is true, lists of texts, in their order")
{
    struct arena arena = {0};
    struct http_form form;
    CHECK_INT(http_form_parse(&arena, &limits, STR("Application/JSON ; charset=UTF-8"),
                              STR(" {\"text\": \"\\u6295 \\ud83d\\uddf3\", \"n\": -12, \"big\": "
                                  "9223372036854775807, \"more\": true, \"less\": false, "
                                  "\"choice\": [\"x\", \"\", \"y\"], \"none\": [], \"\": \"e\", "
                                  "\"nul\": \"a\\u0000b\"} "),
                              &form),
              0);
    static const struct {
        const char *name;
        struct str value;
    } rows[] = {
        {"text", {"投 🗳", 8}}, {"n", {"-12", 3}},    {"big", {"9223372036854775807", 19}},
        {"more", {"true", 4}},     {"choice", {"x", 1}}, {"choice", {"", 0}},
        {"choice", {"y", 1}},      {"", {"e", 1}},       {"nul", {"a\0b", 3}}};
    CHECK_INT(form.count, COUNT(rows));
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_STR(form.fields[i].name, rows[i].name);
        CHECK(str_equal(form.fields[i].value, rows[i].value));
        CHECK(form.fields[i].valid && !form.fields[i].filename.data);
    }
    arena_free(&arena);
}

TEST("JSON that is no flat object is 400, and one past a limit 413")
{
    static const struct http_form_limits small = {.fields = 2, .name = 3, .value = 4};
    static const struct {
        const char *body;
        int status;
    } rows[] = {
        {"{}", 0},
        {"{\"abc\": \"1234\", \"b\": 1}", 0},
        {"", 400},
        {"[]", 400},
        {"\"a\"", 400},
        {"null", 400},
        {"{\"a\": 1", 400},
        {"{\"a\": 1} x", 400},
        {"{\"a\": 1, \"a\": 2}", 400},
        {"{\"a\": null}", 400},
        {"{\"a\": 1.5}", 400},
        {"{\"a\": 1e2}", 400},
        {"{\"a\": 99999999999999999999}", 400},
        {"{\"a\": {}}", 400},
        {"{\"a\": [1]}", 400},
        {"{\"a\": [[\"b\"]]}", 400},
        {"{\"a\": \"\xff\"}", 400},
        {"{\"a\": \"\\ud800\"}", 400},
        {"{\"a\\u0000\": 1}", 400},
        {"{'a': 1}", 400},
        {"{\"abcd\": 1}", 413},
        {"{\"a\": \"12345\"}", 413},
        {"{\"a\": 12345}", 413},
        {"{\"a\": [\"b\", \"c\", \"d\"]}", 413},
    };
    struct arena arena = {0};
    struct http_form form;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int status = http_form_parse(&arena, &small, JSON, str_from(rows[i].body), &form);
        if (status != rows[i].status)
            TEST_FAIL("%s gave %d", rows[i].body, status);
    }
    arena_free(&arena);
}

TEST("JSON longer than a form ever is, is not read")
{
    static char body[JSON_FORM_MAX + 1];
    struct arena arena = {0};
    struct http_form form;
    memset(body, ' ', sizeof body);
    body[0] = '{', body[1] = '}';
    CHECK_INT(http_form_parse(&arena, &limits, JSON, str_make(body, JSON_FORM_MAX), &form), 0);
    CHECK_INT(http_form_parse(&arena, &limits, JSON, str_make(body, sizeof body), &form), 413);
    memset(body, '[', sizeof body);
    CHECK_INT(http_form_parse(&arena, &limits, JSON, str_make(body, JSON_FORM_MAX), &form), 400);
    arena_free(&arena);
}

TEST("a Content-Type says whether the body is JSON, in UTF-8")
{
    struct arena arena = {0};
    struct http_form form;
    CHECK(http_form_is_json(STR("application/json")));
    CHECK(http_form_is_json(STR("APPLICATION/JSON;charset=utf-8")));
    CHECK(!http_form_is_json(STR("application/jsonp")));
    CHECK(!http_form_is_json(STR("text/plain; application/json")));
    CHECK(!http_form_is_json(STR("")));
    CHECK_INT(
        http_form_parse(&arena, &limits, STR("application/json; charset=gbk"), STR("{}"), &form),
        415);
    CHECK_INT(http_form_parse(&arena, &limits, STR("application/json; x"), STR("{}"), &form), 400);
    CHECK_INT(http_form_parse(&arena, &limits, STR(""), STR("{}"), &form), 415);
    arena_free(&arena);
}

TEST_MAIN
