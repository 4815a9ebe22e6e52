#include "gateway/routes.h"

#include "gateway/pages/debug.h"
#include "gateway/pages/pages.h"
#include "proto/base/arena.h"

static const struct route routes[] = {
    {NULL, "/hello", SESSION_NONE, hello_get, .count = COUNT_NOTHING, .asks_nobody = true},
    {"home", "/", SESSION_REQUIRED, home_get},
    {"register", "/register", SESSION_NONE, register_get, register_post,
     .deadline = DEADLINE_PASSWORD},
    {"login", "/login", SESSION_NONE, login_get, login_post, .deadline = DEADLINE_PASSWORD},
    {"logout", "/logout", SESSION_NONE, NULL, logout_post},
    {"logout_everywhere", "/logout/everywhere", SESSION_REQUIRED, NULL, logout_everywhere_post},
    {"questions", "/questions", SESSION_REQUIRED, questions_get},
    {"question_mine", "/questions/mine", SESSION_REQUIRED, question_mine_get},
    {"question_new", "/questions/new", SESSION_REQUIRED, question_new_get, question_new_post},
    {"question", "/questions/{}", SESSION_REQUIRED, question_get_page},
    {"question_vote", "/questions/{}/vote", SESSION_REQUIRED, NULL, vote_post, .count = COUNT_VOTES,
     .post_asks = MESSAGE_vote_cast},
    {"question_results", "/questions/{}/results", SESSION_OPTIONAL, results_get, .shared = true},
    {"question_close", "/questions/{}/close", SESSION_REQUIRED, NULL, question_close_post},
    {"question_delete", "/questions/{}/delete", SESSION_REQUIRED, NULL, question_delete_post},
    {"question_choice", "/questions/{}/choice", SESSION_NONE, choices_get, .shared = true},
    {NULL, "/question/{}/choice", SESSION_NONE, choices_get, .shared = true},
    {"static", "/static/{*}", SESSION_NONE, static_get, .count = COUNT_NOTHING,
     .asks_nobody = true},
    {NULL, "/_dev/events", SESSION_NONE, reload_events_get, .count = COUNT_NOTHING,
     .asks_nobody = true},
    {"debug_history", "/_debugtoolbar", SESSION_NONE, debug_history_get, .count = COUNT_NOTHING,
     .asks_nobody = true, .development = true},
    {"debug_rows", "/_debugtoolbar/rows", SESSION_NONE, debug_rows_get, .count = COUNT_NOTHING,
     .asks_nobody = true, .development = true},
    {NULL, "/_debugtoolbar/requests/{}", SESSION_NONE, debug_request_get, .count = COUNT_NOTHING,
     .asks_nobody = true, .development = true},
    {"debug_site", "/_debugtoolbar/site", SESSION_NONE, debug_site_get, .count = COUNT_NOTHING,
     .asks_nobody = true, .development = true},
    {NULL, "/_debugtoolbar/pools/{}/kill", SESSION_NONE, NULL, debug_kill_post,
     .count = COUNT_NOTHING, .asks_nobody = true, .development = true},
    {NULL, "/healthz", SESSION_NONE, healthz_get, .count = COUNT_NOTHING, .asks_nobody = true},
    {NULL, "/readyz", SESSION_NONE, readyz_get, .count = COUNT_NOTHING, .asks_nobody = true},
};

static bool match(struct str pattern, struct str path, struct str *out_param)
{
    ptrdiff_t brace = str_find(pattern, '{');
    if (brace < 0)
        return str_equal(pattern, path);
    struct str before = str_make(pattern.data, (size_t)brace);
    if (!str_starts(path, before))
        return false;
    struct str rest = str_make(path.data + before.size, path.size - before.size);
    struct str after = str_make(pattern.data + before.size, pattern.size - before.size);
    if (str_equal(after, STR("{*}"))) {
        *out_param = rest;
        return true;
    }
    ptrdiff_t slash = str_find(rest, '/');
    size_t size = slash < 0 ? rest.size : (size_t)slash;
    *out_param = str_make(rest.data, size);
    return size > 0 && str_equal(str_make(rest.data + size, rest.size - size),
                                 str_make(after.data + 2, after.size - 2));
}

const struct route *routes_find(struct str path, struct str *out_param)
{
    *out_param = (struct str){0};
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (match(str_from(routes[i].path), path, out_param))
            return &routes[i];
    return NULL;
}

const struct route *routes_named(struct str name)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (routes[i].name && str_equal(str_from(routes[i].name), name))
            return &routes[i];
    return NULL;
}

const struct route *routes_all(size_t *out_count)
{
    *out_count = sizeof routes / sizeof *routes;
    return routes;
}

unsigned routes_methods(const struct route *route)
{
    return (route->get ? 1U << HTTP_GET | 1U << HTTP_HEAD : 0) |
           (route->post ? 1U << HTTP_POST : 0);
}

const char *routes_url(struct arena *arena, const struct route *route, int64_t number)
{
    const char *brace = strchr(route->path, '{');
    if (!brace)
        return route->path;
    return arena_printf(arena, "%.*s%lld%s", (int)(brace - route->path), route->path,
                        (long long)number, brace + 2);
}
