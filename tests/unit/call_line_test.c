#include "proto/tools/call_line.h"
#include "tests/unit/test.h"

struct result {
    bool good;
    const struct message_type *type;
    struct buf body;
};

static struct result read_line(const char *line, const char *standard)
{
    struct result result = {0};
    const char *error;
    result.good = call_line_read(str_from(line), message_type_named(str_from(standard)),
                                 &result.type, &result.body, &error);
    return result;
}

TEST("a line is a body as it stands, right or wrong")
{
    static const char *const lines[] = {
        "{\"question_id\":1}", "{", "no JSON", "[1, 2]", "7", "{\"message\": \"vote_cast\"}"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct result result = read_line(lines[i], "choice_list");
        CHECK(result.good);
        CHECK_STR(str_from(result.type->name), "choice_list");
        CHECK_STR(buf_str(&result.body), lines[i]);
        buf_free(&result.body);
    }
}

TEST("a line may name its request")
{
    struct result result =
        read_line("{\"message\": \"vote_cast\", \"body\": {\"user_id\": 1}}", "choice_list");
    CHECK(result.good);
    CHECK_STR(str_from(result.type->name), "vote_cast");
    CHECK_STR(buf_str(&result.body), "{\"user_id\": 1}");
    buf_free(&result.body);
}

TEST("a line that names no request is refused")
{
    CHECK(!read_line("{\"message\": \"vote\", \"body\": {}}", "choice_list").good);
    CHECK(!read_line("{\"message\": \"vote_cast_reply\", \"body\": {}}", "choice_list").good);
    CHECK(!read_line("{}", "").good);
}

TEST("a new request id is made where it is asked for, another one each time")
{
    struct id ids[2];
    for (int i = 0; i < 2; i++) {
        struct result result = read_line("{\"request_id\": \"new\", \"user_id\": 1}", "vote_cast");
        struct str body = buf_str(&result.body);
        CHECK(result.good);
        CHECK(str_starts(body, STR("{\"request_id\": \"")));
        CHECK(id_parse(str_make(body.data + 16, ID_TEXT), &ids[i]));
        CHECK(str_ends(body, STR("\", \"user_id\": 1}")));
        buf_free(&result.body);
    }
    CHECK(!id_equal(ids[0], ids[1]));
}

TEST_MAIN
