#include "gateway/http/form.h"
#include "tests/unit/test.h"

#define COUNT(a)   (sizeof(a) / sizeof *(a))
#define URLENCODED STR("application/x-www-form-urlencoded")
#define MULTIPART  STR("multipart/form-data; boundary=XX")
#define PART(name, value) \
    "--XX\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"

static const struct http_form_limits limits = HTTP_FORM_LIMITS_DEFAULT;

TEST("an urlencoded form is decoded once, in order, duplicates kept")
{
    struct arena arena = {0};
    struct http_form form;
    const struct http_field *all[2];
    CHECK_INT(http_form_parse(&arena, &limits, URLENCODED,
                              STR("a=1+2%2B&b&=c&&choice=x&choice=%E6%8A%95%2541&choice=&d=e=f"),
                              &form),
              0);
    CHECK_INT(form.count, 7);
    CHECK_STR(http_form_get(&form, "a")->value, "1 2+");
    CHECK_STR(http_form_get(&form, "b")->value, "");
    CHECK_STR(http_form_get(&form, "")->value, "c");
    CHECK_STR(http_form_get(&form, "d")->value, "e=f");
    CHECK(!http_form_get(&form, "e"));
    CHECK_STR(http_form_get(&form, "choice")->value, "x");
    CHECK_INT(http_form_get_all(&form, "choice", all, 2), 3);
    CHECK_STR(all[1]->value, "\xe6\x8a\x95%41");
    arena_free(&arena);
}

TEST("a field that is not UTF-8 or has a broken escape is marked, and the others are not")
{
    struct arena arena = {0};
    struct http_form form;
    CHECK_INT(http_form_parse_query(&arena, &limits,
                                    STR("a=%ff&b=%zz&c=%4&d=ok&e=\xc0\xaf&%ff=g&n=a%00b&m=%f0%9f"
                                        "%97%B3"),
                                    &form),
              0);
    static const bool valid[] = {false, false, false, true, false, false, true, true};
    CHECK_INT(form.count, COUNT(valid));
    for (size_t i = 0; i < COUNT(valid); i++)
        if (form.fields[i].valid != valid[i])
            TEST_FAIL("field %zu is %d", i, form.fields[i].valid);
    CHECK_INT(http_form_get(&form, "n")->value.size, 3); /* NUL is validation's matter */
    CHECK_STR(http_form_get(&form, "m")->value, "\xf0\x9f\x97\xb3");
    arena_free(&arena);
}

TEST("the type says how a body is read; an unknown one or another charset is 415")
{
    static const struct {
        const char *type;
        int status;
    } rows[] = {
        {"application/x-www-form-urlencoded", 0},
        {"Application/X-WWW-Form-Urlencoded ; charset=UTF-8", 0},
        {"application/x-www-form-urlencoded; charset=\"utf-8\"", 0},
        {"application/x-www-form-urlencoded; charset=gbk", 415},
        {"application/x-www-form-urlencoded; charset", 400},
        {"application/x-www-form-urlencoded; charset=", 400},
        {"application/x-www-form-urlencoded; charset=\"utf-8", 400},
        {"application/x-www-form-urlencoded; charset=\"utf-8\"x", 400},
        {"application/x-www-form-urlencoded; charset=\"utf\x01-8\"", 400},
        {"application/x-www-form-urlencoded; char set=utf-8", 400},
        {"application/x-www-form-urlencoded; =utf-8", 400},
        {"application/x-www-form-urlencoded charset=utf-8", 415},
        {"text/plain", 415},
        {"", 415},
        {"multipart/form-data", 400},
        {"multipart/form-data; boundary=", 400},
        {"multipart/form-data; boundary=\"a@b\"", 400},
        {"multipart/form-data; boundary=a; boundary=a", 400},
        {"multipart/form-data; boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaa",
         400},
    };
    struct arena arena = {0};
    struct http_form form;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int status = http_form_parse(&arena, &limits, str_from(rows[i].type), STR("a=b"), &form);
        if (status != rows[i].status)
            TEST_FAIL("%s gave %d", rows[i].type, status);
    }
    CHECK_INT(http_form_parse(&arena, &limits, STR(""), STR(""), &form), 0);
    CHECK_INT(form.count, 0);
    arena_free(&arena);
}

TEST("a multipart form gives its fields, and a file as its bytes")
{
    struct arena arena = {0};
    struct http_form form;
    CHECK_INT(http_form_parse(
                  &arena, &limits, STR("multipart/form-data; boundary=\"XX\""),
                  STR(PART("a", "1") PART("b", "") PART("a", "--X\r\n-\r\n--Y") PART(
                      "q%22%41%0D%0A",
                      "\xff") "--XX\r\n"
                              "content-type: image/png\r\nX-Other: x\r\n"
                              "Content-Disposition: form-data; name=f; filename=\"x.png\"\r\n"
                              "\r\n\x89PNG\0\xff\r\n"
                              "--XX\r\nContent-Disposition: form-data; name=\"t\"\r\n"
                              "Content-Type: text/plain; charset=utf-8\r\n"
                              "Content-Transfer-Encoding: 8bit\r\n\r\n\xe6\x8a\x95\r\n--XX--\r\n"),
                  &form),
              0);
    CHECK_INT(form.count, 6);
    CHECK_STR(form.fields[0].value, "1");
    CHECK_STR(form.fields[1].value, "");
    CHECK_STR(form.fields[2].value, "--X\r\n-\r\n--Y");
    CHECK_STR(form.fields[3].name, "q\"%41\r\n");
    CHECK(!form.fields[3].valid);
    CHECK(!form.fields[3].filename.data);
    CHECK_STR(form.fields[4].filename, "x.png");
    CHECK_INT(form.fields[4].value.size, 6);
    CHECK(form.fields[4].valid);
    CHECK_STR(http_form_get(&form, "t")->value, "\xe6\x8a\x95");
    arena_free(&arena);
}

TEST("a multipart body that is not well formed is refused")
{
    static const struct {
        const char *body;
        int status;
    } rows[] = {
        {"--XX--", 0},
        {"--XX--\r\n", 0},
        {PART("a", "1") "--XX--", 0},
        {"", 400},
        {"--XX", 400},
        {"--XX-", 400},
        {"--XX--\r\nepilogue", 400},
        {"preamble\r\n" PART("a", "1") "--XX--", 400},
        {"\r\n" PART("a", "1") "--XX--", 400},
        {PART("a", "1"), 400},
        {PART("a", "1") "--XXY--", 400},
        {PART("a", "1") "--XX \r\n", 400},
        {"--XX\nContent-Disposition: form-data; name=\"a\"\n\n1\n--XX--", 400},
        {"--XX\r\nContent-Disposition: form-data; name=\"a\"\n\r\n1\r\n--XX--", 400},
        {"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n1\r\n--XX--", 400},
        {"--XX\r\n\r\n1\r\n--XX--", 400},
        {"--XX\r\nContent-Disposition: form-data\r\n\r\n1\r\n--XX--", 400},
        {"--XX\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n1\r\n--XX--", 400},
        {"--XX\r\nContent-Disposition: form-datax; name=\"a\"\r\n\r\n1\r\n--XX--", 400},
        {"--XX\r\nContent-Disposition: form-data; name=\"a\\\"b\"\r\n\r\n1\r\n--XX--", 400},
        {"--XX\r\nContent-Disposition: form-data; name=\"a\"; name=\"b\"\r\n\r\n1\r\n--XX--", 400},
        {"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n"
         "Content-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XX--",
         400},
        {"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\nX : y\r\n\r\n1\r\n--XX--", 400},
        {"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n y\r\n\r\n1\r\n--XX--", 400},
        {"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n"
         "Content-Type: text/plain; charset=gbk\r\n\r\n1\r\n--XX--",
         415},
        {"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n"
         "Content-Type: text/html\r\n\r\n1\r\n--XX--",
         415},
        {"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n"
         "Content-Transfer-Encoding: base64\r\n\r\nMQ==\r\n--XX--",
         415},
    };
    struct arena arena = {0};
    struct http_form form;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int status = http_form_parse(&arena, &limits, MULTIPART, str_from(rows[i].body), &form);
        if (status != rows[i].status)
            TEST_FAIL("%s gave %d", rows[i].body, status);
    }
    arena_free(&arena);
}

TEST("no multipart body reads past its end, however short it is cut")
{
    static const char body[] = PART("a", "1") PART("b", "2") "--XX--";
    struct arena arena = {0};
    struct http_form form;
    for (size_t size = 0; size < sizeof body - 1; size++) {
        char *exact = malloc(size ? size : 1);
        memcpy(exact, body, size);
        CHECK_INT(http_form_parse(&arena, &limits, MULTIPART, str_make(exact, size), &form), 400);
        free(exact);
    }
    arena_free(&arena);
}

TEST("fields, names, values and part headers are limited, and 413 says so")
{
    static const struct http_form_limits small = {.fields = 2, .name = 3, .value = 4, .part = 60};
    static const struct {
        const char *query;
        int status;
    } rows[] = {
        {"abc=1234&b=", 0}, {"a&b&c", 413}, {"abcd=1", 413}, {"a=12345", 413}, {"a=%31234", 0}};
    struct arena arena = {0};
    struct http_form form;
    for (size_t i = 0; i < COUNT(rows); i++)
        CHECK_INT(http_form_parse_query(&arena, &small, str_from(rows[i].query), &form),
                  rows[i].status);
    CHECK_INT(http_form_parse(&arena, &small, MULTIPART, STR(PART("abc", "1234") "--XX--"), &form),
              0);
    CHECK_INT(http_form_parse(&arena, &small, MULTIPART, STR(PART("abc", "12345") "--XX--"), &form),
              413);
    CHECK_INT(http_form_parse(&arena, &small, MULTIPART,
                              STR(PART("a", "") PART("b", "") PART("c", "") "--XX--"), &form),
              413);
    CHECK_INT(http_form_parse(&arena, &small, MULTIPART,
                              STR("--XX\r\nContent-Disposition: form-data; name=\"a\"\r\nX: "
                                  "yyyyyyyyyyyyyyyyyyyy\r\n\r\n\r\n--XX--"),
                              &form),
              413);
    arena_free(&arena);
}

TEST_MAIN
