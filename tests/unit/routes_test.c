#include "gateway/routes.h"
#include "tests/unit/test.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

TEST("a path finds its route and what stands for {}")
{
    static const struct {
        const char *path, *name, *param; /* name NULL: no route */
    } rows[] = {
        {"/", "home", ""},
        {"/login", "login", ""},
        {"/questions", "questions", ""},
        {"/questions/mine", "question_mine", ""},
        {"/questions/new", "question_new", ""},
        {"/questions/7", "question", "7"},
        {"/questions/x", "question", "x"},
        {"/questions/7/vote", "question_vote", "7"},
        {"/questions/7/results", "question_results", "7"},
        {"/static/css/vote.css", "static", "css/vote.css"},
        {"/static/", "static", ""},
        {"/static", NULL, ""},
        {"/staticfoo", NULL, ""},
        {"/questions/", NULL, ""},
        {"/questions/7/", NULL, ""},
        {"/questions//vote", NULL, ""},
        {"/questions/7/8/vote", NULL, ""},
        {"/questions/7/votes", NULL, ""},
        {"/Login", NULL, ""},
        {"/login/", NULL, ""},
        {"", NULL, ""},
        {"*", NULL, ""},
        {"//", NULL, ""},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct str param;
        const struct route *route = routes_find(str_from(rows[i].path), &param);
        const struct route *named = rows[i].name ? routes_named(str_from(rows[i].name)) : NULL;
        if (route != named || (route && !str_equal(param, str_from(rows[i].param))))
            TEST_FAIL("\"%s\" gave %s, \"%.*s\"", rows[i].path, route ? route->path : "nothing",
                      STR_ARG(param));
    }
}

TEST("every route is found by its own path, and by its name, which no other has")
{
    size_t count;
    struct arena arena = {0};
    const struct route *all = routes_all(&count);
    CHECK(count > 10);
    for (size_t i = 0; i < count; i++) {
        struct str param;
        CHECK_STR(str_from(routes_find(str_from(routes_url(&arena, &all[i], 7)), &param)->path),
                  all[i].path);
        if (all[i].name)
            CHECK(routes_named(str_from(all[i].name)) == &all[i]);
        CHECK(all[i].get || all[i].post);
    }
    CHECK(!routes_named(STR("nothing")));
    arena_free(&arena);
}

TEST("a route answers HEAD where it answers GET, and nothing else but POST")
{
    size_t count;
    const struct route *all = routes_all(&count);
    for (size_t i = 0; i < count; i++) {
        unsigned expected = (all[i].get ? 1u << HTTP_GET | 1u << HTTP_HEAD : 0) |
                            (all[i].post ? 1u << HTTP_POST : 0);
        CHECK_INT(routes_methods(&all[i]), expected);
    }
    CHECK_INT(routes_methods(routes_named(STR("logout"))), 1u << HTTP_POST);
}

TEST("a route that changes something for somebody is not shared, nor one that needs a session")
{
    size_t count;
    const struct route *all = routes_all(&count);
    for (size_t i = 0; i < count; i++)
        if (all[i].shared && (all[i].post || all[i].session == SESSION_REQUIRED))
            TEST_FAIL("%s is shared", all[i].path);
}

TEST("the address of a route has the number in it")
{
    struct arena arena = {0};
    CHECK_STR(str_from(routes_url(&arena, routes_named(STR("question_vote")), 12)),
              "/questions/12/vote");
    CHECK_STR(str_from(routes_url(&arena, routes_named(STR("question")), INT64_MAX)),
              "/questions/9223372036854775807");
    CHECK_STR(str_from(routes_url(&arena, routes_named(STR("login")), 12)), "/login");
    arena_free(&arena);
}

TEST_MAIN
