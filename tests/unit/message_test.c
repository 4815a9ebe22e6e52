/* Every record of messages.def goes through every check, found by its own table. */
#include "proto/message.h"
#include "proto/message_plain.h"
#include "proto/status.h"
#include "tests/unit/test.h"

static const struct record *(*const records[])(void) = {
#define RECORD(name_, ...)  record_##name_,
#define REQUEST(name_, ...) record_##name_,
#define REPLY(name_, ...)   record_##name_,
#define CONTROL(name_, ...) record_##name_,
#include "proto/messages.def"
};
enum { RECORDS = sizeof records / sizeof *records };

/* The sample of a record, with one field given another value, or none if value is NULL. */
static void sample_with(const struct record *record, const struct field *changed, const char *value,
                        struct buf *out)
{
    bool first = true;
    buf_reset(out);
    buf_add_char(out, '{');
    for (const struct field *field = record->fields; field->name; field++) {
        const char *text = field == changed ? value : field->sample;
        if (!text)
            continue;
        buf_printf(out, "%s\"%s\": %s", first ? "" : ", ", field->name, text);
        first = false;
    }
    buf_add_char(out, '}');
}

static bool accepts(const struct record *record, struct str body, char out_error[static 256])
{
    struct arena arena = {0};
    const char *error = "";
    bool good = message_unpack(record, body, &arena, &error) != NULL;
    snprintf(out_error, 256, "%s", error);
    arena_free(&arena);
    return good;
}

static void expect(const struct record *record, const struct field *field, const char *value,
                   bool good)
{
    struct buf body = {0};
    char error[256];
    sample_with(record, field, value, &body);
    bool accepted = accepts(record, buf_str(&body), error);
    bool named = strncmp(error, field->name, strlen(field->name)) == 0 ||
                 strncmp(error, "(body): not JSON", 16) == 0;
    if (accepted != good)
        TEST_FAIL("%s.%s = %.80s was %s: %s", record->name, field->name, value ? value : "(none)",
                  accepted ? "accepted" : "refused", error);
    if (!accepted && !named)
        TEST_FAIL("%s.%s: the error does not name it: %s", record->name, field->name, error);
    buf_free(&body);
}

static void each_field(void (*check)(const struct record *record, const struct field *field))
{
    for (size_t i = 0; i < RECORDS; i++)
        for (const struct field *field = records[i]()->fields; field->name; field++)
            check(records[i](), field);
}

TEST("every sample survives unpacking and packing, byte for byte")
{
    for (size_t i = 0; i < RECORDS; i++) {
        struct buf sample = {0}, packed = {0};
        struct arena arena = {0};
        const char *error = "";
        message_sample(records[i](), &sample);
        void *message = message_unpack(records[i](), buf_str(&sample), &arena, &error);
        if (!message)
            TEST_FAIL("%s: %s", records[i]()->name, error);
        message_pack(records[i](), message, &packed);
        if (!str_equal(buf_str(&sample), buf_str(&packed)))
            TEST_FAIL("%s became %.*s", records[i]()->name, STR_ARG(buf_str(&packed)));
        buf_free(&sample);
        buf_free(&packed);
        arena_free(&arena);
    }
}

/* What message_unpack makes of a body, packed again; or nothing. */
static void packed_again(const struct record *record, struct str body, struct buf *out)
{
    struct arena arena = {0};
    const char *error;
    const void *message = message_unpack(record, body, &arena, &error);
    buf_reset(out);
    if (message)
        message_pack(record, message, out);
    arena_free(&arena);
}

/* A blank in front is enough for a body not to be read the plain way. */
static void compare_readers(const struct record *record, struct str body)
{
    struct buf spaced = {0}, plain = {0}, json = {0};
    buf_add_char(&spaced, ' ');
    buf_add_str(&spaced, body);
    packed_again(record, body, &plain);
    packed_again(record, buf_str(&spaced), &json);
    if (!str_equal(buf_str(&plain), buf_str(&json)))
        TEST_FAIL("%s: %.*s is read in two ways: %.*s and %.*s", record->name, STR_ARG(body),
                  STR_ARG(buf_str(&plain)), STR_ARG(buf_str(&json)));
    buf_free(&spaced);
    buf_free(&plain);
    buf_free(&json);
}

TEST("a sample with any byte changed, left out or doubled is read as the JSON library reads it")
{
    static const char bytes[] = {'"', '\\', ' ',  '0',  '9',    '-',    '.',    'e',    ',',
                                 ']', '}',  '\0', '\n', '\x7f', '\xc3', '\x80', '\xed', '\xff'};
    for (size_t i = 0; i < RECORDS; i++) {
        struct buf sample = {0}, body = {0};
        message_sample(records[i](), &sample);
        compare_readers(records[i](), buf_str(&sample));
        for (size_t at = 0; at < sample.size; at++)
            for (size_t change = 0; change < sizeof bytes + 2; change++) {
                buf_reset(&body);
                buf_add(&body, sample.data, at);
                if (change < sizeof bytes)
                    buf_add_char(&body, bytes[change]);
                else if (change == sizeof bytes) /* doubled; else left out */
                    buf_add(&body, (char[]){sample.data[at], sample.data[at]}, 2);
                buf_add(&body, sample.data + at + 1, sample.size - at - 1);
                compare_readers(records[i](), buf_str(&body));
            }
        buf_free(&sample);
        buf_free(&body);
    }
}

TEST("what message_pack writes is read without the JSON library, unless a text needs escapes")
{
    for (size_t i = 0; i < RECORDS; i++) {
        struct buf sample = {0};
        struct arena arena = {0};
        message_sample(records[i](), &sample);
        if (!message_read_plain(records[i](), buf_str(&sample), &arena))
            TEST_FAIL("%s is not read the plain way", records[i]()->name);
        buf_free(&sample);
        arena_free(&arena);
    }
}

static void check_missing(const struct record *record, const struct field *field)
{
    expect(record, field, NULL, field->optional);
    expect(record, field, "null", false);
}

TEST("a field that is null, or missing and not optional, is refused, by its name")
{
    each_field(check_missing);
}

static void check_default(const struct record *record, const struct field *field)
{
    static const char *const defaults[] = {
        [FIELD_INT] = "0",     [FIELD_BOOL] = "false",
        [FIELD_TEXT] = "\"\"", [FIELD_SECRET] = "\"\"",
        [FIELD_LIST] = "[]",   [FIELD_ID] = "\"00000000000000000000000000000000\""};
    struct buf without = {0}, with = {0}, read = {0};
    if (!field->optional)
        return;
    sample_with(record, field, defaults[field->kind], &with);
    sample_with(record, field, NULL, &without);
    packed_again(record, buf_str(&without), &read);
    if (!str_equal(buf_str(&read), buf_str(&with)))
        TEST_FAIL("%s without %s is read as %.*s", record->name, field->name,
                  STR_ARG(buf_str(&read)));
    expect(record, field, defaults[field->kind], true);
    buf_free(&without);
    buf_free(&with);
    buf_free(&read);
}

TEST("an optional field that is missing is 0, false or empty, which its limits allow")
{
    each_field(check_default);
}

static void check_type(const struct record *record, const struct field *field)
{
    static const struct {
        const char *value;
        unsigned kinds; /* bits of the kinds that may take it */
    } rows[] = {
        {"true", 1 << FIELD_BOOL},
        {"1.5", 0},
        {"\"1\"", 1 << FIELD_TEXT | 1 << FIELD_SECRET},
        {"{}", 0},
        {"[1]", 0},
        {"\"zz112233445566778899aabbccddeeff\"", 1 << FIELD_TEXT | 1 << FIELD_SECRET},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!(rows[i].kinds >> field->kind & 1))
            expect(record, field, rows[i].value, false);
}

TEST("a value of another type is refused, by its name")
{
    each_field(check_type);
}

static void check_int(const struct record *record, const struct field *field)
{
    char text[32];
    if (field->kind != FIELD_INT)
        return;
    snprintf(text, sizeof text, "%lld", (long long)field->min);
    expect(record, field, text, true);
    snprintf(text, sizeof text, "%lld", (long long)field->max);
    expect(record, field, text, true);
    snprintf(text, sizeof text, "%lld", (long long)field->min - 1);
    expect(record, field, text, false);
    if (field->max < INT64_MAX)
        snprintf(text, sizeof text, "%lld", (long long)field->max + 1);
    else
        snprintf(text, sizeof text, "9223372036854775808");
    expect(record, field, text, false);
    expect(record, field, "1e400", false);
}

TEST("a number is accepted from its least to its greatest value and nowhere else")
{
    each_field(check_int);
}

/* A JSON text of so many characters, each made of `unit`. */
static void expect_text(const struct record *record, const struct field *field, const char *unit,
                        int64_t count, bool good)
{
    struct buf text = {0};
    buf_add_char(&text, '"');
    for (int64_t i = 0; i < count; i++)
        buf_add_str(&text, str_from(unit));
    buf_add(&text, "\"", 2);
    expect(record, field, text.data, good);
    buf_free(&text);
}

static void check_text(const struct record *record, const struct field *field)
{
    if (field->kind != FIELD_TEXT && field->kind != FIELD_SECRET)
        return;
    bool secret = field->kind == FIELD_SECRET;
    expect_text(record, field, "x", field->min, true);
    expect_text(record, field, "x", field->max, true);
    expect_text(record, field, "🗳", field->max, true);
    expect_text(record, field, "🗳", field->max + 1, false);
    expect_text(record, field, "x", field->max + 1, false);
    if (field->min > 0)
        expect_text(record, field, "x", field->min - 1, false);
    expect_text(record, field, "\\u0000", field->max, secret);
    expect_text(record, field, "\\n", field->max, secret);
    expect_text(record, field, "\\u001f", field->max, secret);
    expect_text(record, field, "\\u007f", field->max, secret);
    expect_text(record, field, "\xff", field->max, false);
    expect_text(record, field, "\xed\xa0\x80", field->max, false);
    expect_text(record, field, "\\ud800", field->max, false);
}

TEST("a text is counted in characters and holds no control character, unless it is a secret")
{
    each_field(check_text);
}

static void expect_rows(const struct record *record, const struct field *field, const char *row,
                        int64_t count, bool good)
{
    struct buf text = {0};
    buf_add_char(&text, '[');
    for (int64_t i = 0; i < count; i++)
        buf_printf(&text, "%s%s", i ? ", " : "", row);
    buf_add(&text, "]", 2);
    expect(record, field, text.data, good);
    buf_free(&text);
}

static void check_list(const struct record *record, const struct field *field)
{
    struct buf row = {0};
    if (field->kind != FIELD_LIST)
        return;
    message_sample(field->record(), &row);
    buf_add(&row, "", 1);
    expect_rows(record, field, row.data, field->min, true);
    expect_rows(record, field, row.data, field->max, true);
    expect_rows(record, field, row.data, field->max + 1, false);
    if (field->min > 0)
        expect_rows(record, field, row.data, field->min - 1, false);
    expect_rows(record, field, "{}", field->min > 0 ? field->min : 1, false);
    buf_free(&row);
}

TEST("a list is accepted from its least to its greatest count, and every row is checked")
{
    each_field(check_list);
}

static void check_id(const struct record *record, const struct field *field)
{
    if (field->kind != FIELD_ID)
        return;
    expect(record, field, "\"00112233445566778899aabbccddeeff\"", true);
    expect(record, field, "\"00112233445566778899aabbccddeef\"", false);
    expect(record, field, "\"00112233445566778899aabbccddeeff0\"", false);
    expect(record, field, "\"new\"", false);
    expect(record, field, "\"\"", false);
}

TEST("an id is 32 hex digits")
{
    each_field(check_id);
}

TEST("a field that this program does not know is passed over")
{
    for (size_t i = 0; i < RECORDS; i++) {
        const struct record *record = records[i]();
        struct buf body = {0}, sample = {0}, read = {0};
        message_sample(record, &sample);
        buf_add_str(&body, STR("{\"later\": {\"deep\": [1]}"));
        buf_add_str(&body, record->field_count ? STR(", ") : STR(""));
        buf_add(&body, sample.data + 1, sample.size - 1);
        packed_again(record, buf_str(&body), &read);
        if (!str_equal(buf_str(&read), buf_str(&sample)))
            TEST_FAIL("%s with a field more is read as %.*s", record->name,
                      STR_ARG(buf_str(&read)));
        buf_free(&body);
        buf_free(&sample);
        buf_free(&read);
    }
}

TEST("a body with a key twice, or something behind it, is refused")
{
    for (size_t i = 0; i < RECORDS; i++) {
        const struct record *record = records[i]();
        struct buf body = {0};
        char error[256];
        message_sample(record, &body);
        body.size--; /* the closing brace */
        size_t open = body.size;
        buf_add_str(&body, STR("} x"));
        if (accepts(record, buf_str(&body), error))
            TEST_FAIL("%s took bytes behind its end", record->name);
        if (record->field_count) {
            body.size = open;
            buf_printf(&body, ", \"%s\": %s}", record->fields->name, record->fields->sample);
            if (accepts(record, buf_str(&body), error))
                TEST_FAIL("%s took a key twice", record->name);
        }
        buf_free(&body);
    }
}

TEST("a body that is no JSON object is refused")
{
    static const char *const bodies[] = {"", "null", "[]", "1", "\"x\"", "{", "{]", "\xff", "{}{}"};
    char error[256];
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        if (accepts(record_vote_cast(), str_from(bodies[i]), error))
            TEST_FAIL("\"%s\" was accepted", bodies[i]);
    CHECK(!accepts(record_who(), str_make("{}\0", 3), error));
    CHECK(!accepts(record_who(), str_make(NULL, 0), error));
}

TEST("deep nesting is refused before the stack ends")
{
    struct buf body = {0};
    char error[256];
    for (int i = 0; i < 1000000; i++)
        buf_add_char(&body, '[');
    CHECK(!accepts(record_vote_cast(), buf_str(&body), error));
    buf_free(&body);
}

TEST("an error about a secret does not tell it")
{
    struct buf body = {0};
    char error[256];
    const struct record *record = record_password_hash();
    buf_add_str(&body, STR("{\"password\": \""));
    for (int i = 0; i < 1025; i++)
        buf_add_char(&body, 'k');
    buf_add_str(&body, STR("\"}"));
    CHECK(!accepts(record, buf_str(&body), error));
    CHECK(!strstr(error, "kk"));
    buf_free(&body);
}

TEST("numbers and names of messages are unique, and every request has its reply")
{
    size_t count;
    const struct message_type *types = message_types(&count);
    for (size_t i = 0; i < count; i++) {
        CHECK(message_type_find(types[i].number) == &types[i]);
        CHECK(message_type_named(str_from(types[i].name)) == &types[i]);
        if (types[i].kind == MESSAGE_REQUEST) {
            const struct message_type *reply = message_reply_type(&types[i]);
            CHECK(reply->service == types[i].service);
            CHECK(str_starts(str_from(reply->name), str_from(types[i].name)));
        }
    }
    CHECK(!message_type_find(0));
    CHECK(!message_type_find(65535));
    CHECK(!message_type_named(STR("")));
}

TEST("statuses are known by number, each with a name of its own")
{
    CHECK(!status_is_known(17));
    CHECK(!status_is_known(65535));
    for (unsigned i = 0; status_is_known(i); i++) {
        CHECK(status_text((enum status)i)[0]);
        for (unsigned k = 0; k < i; k++)
            CHECK(strcmp(status_name((enum status)i), status_name((enum status)k)) != 0);
    }
    CHECK_INT(status_code(STATUS_OK), 0);
    CHECK_INT(status_code(STATUS_ALREADY_VOTED), 20006);
}

TEST("services are known by name")
{
    enum service service;
    for (int i = 0; i < SERVICE_COUNT; i++) {
        CHECK(service_parse(str_from(service_name((enum service)i)), &service));
        CHECK_INT(service, i);
    }
    CHECK(!service_parse(STR(""), &service));
    CHECK(!service_parse(STR("dbx"), &service));
}

TEST_MAIN
