#include "gateway/view.h"

#include "gateway/development.h"
#include "gateway/reload.h"
#include "gateway/tpl/text.h"
#include "gateway/trace.h"
#include "proto/base/log.h"

/* ---- every page ---------------------------------------------------------------------------- */

/* An address may choose one of these sentences, never write one. */
static struct str known_note(struct request *request)
{
    static const char *const notes[] = {"registered", "logged_out", "logged_out_everywhere",
                                        "voted",      "created",    "closed",
                                        "deleted"};
    struct str note = request->http->query.size ? request_query(request, "note") : STR("");
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
        if (str_equal(note, str_from(notes[i])))
            return note;
    return STR("");
}

void view_set(struct request *request, struct tpl_value *dict, const char *key,
              struct tpl_value value)
{
    tpl_dict_set(&request->arena, dict, key, value);
}

void view_set_error(struct request *request, struct tpl_value *page, enum status status)
{
    view_set(request, page, "error_code", tpl_int(status_code(status)));
    view_set(request, page, "error_msg", tpl_text(status == STATUS_OK ? "" : status_text(status)));
}

/* Who is logged in, where the page has asked for it. */
static const struct user_get_reply *user_of(const struct request *request)
{
    bool known = request->user && request->user->answer.status == STATUS_OK;
    return known ? request->user->answer.reply : NULL;
}

static struct tpl_value page_with(struct request *request, const char *nav, struct tpl_value name)
{
    struct tpl_value page = tpl_dict(&request->arena), user = tpl_none();
    if (user_of(request)) {
        user = tpl_dict(&request->arena);
        view_set(request, &user, "name", name);
    }
    view_set(request, &page, "user", user);
    view_set(request, &page, "nav", tpl_text(nav));
    view_set(request, &page, "note", tpl_str(known_note(request)));
    view_set(request, &page, "site_name", tpl_text(request->gateway->config->site.name));
    view_set_error(request, &page, STATUS_OK);
    return page;
}

struct tpl_value view_page(struct request *request, const char *nav)
{
    const struct user_get_reply *user = user_of(request);
    return page_with(request, nav, user ? tpl_str(user->name) : tpl_none());
}

struct tpl_value view_fields(struct request *request, const struct request_field *fields,
                             size_t count)
{
    struct tpl_value dict = tpl_dict(&request->arena);
    for (size_t i = 0; i < count; i++)
        view_set(request, &dict, fields[i].name, tpl_text(fields[i].reason));
    return dict;
}

struct str view_new_id(struct request *request)
{
    char *text = arena_alloc(&request->arena, ID_TEXT + 1);
    return str_make(id_print(id_random(), text), ID_TEXT);
}

/* ---- questions ----------------------------------------------------------------------------- */

static const char *question_state(const struct question_row *question)
{
    return question->deleted              ? "deleted"
           : question->closed             ? "closed"
           : question->choices_count == 0 ? "draft"
                                          : "open";
}

static int64_t question_votes(const struct question_row *question)
{
    int64_t votes = 0;
    for (size_t i = 0; i < question->choices_count; i++)
        votes += question->choices[i].votes;
    return votes;
}

static struct tpl_value view_choice(struct request *request, const struct choice_row *choice)
{
    struct tpl_value dict = tpl_dict(&request->arena);
    view_set(request, &dict, "id", tpl_int(choice->id));
    view_set(request, &dict, "choice_text", tpl_str(choice->choice_text));
    return dict;
}

static struct tpl_value question_head(struct request *request, const struct question_row *question)
{
    struct tpl_value dict = tpl_dict(&request->arena);
    view_set(request, &dict, "id", tpl_int(question->id));
    view_set(request, &dict, "question_text", tpl_str(question->question_text));
    view_set(request, &dict, "owner_name", tpl_str(question->user_name));
    view_set(request, &dict, "create_time", tpl_str(question->create_time));
    view_set(request, &dict, "closes_at", tpl_str(question->closes_at));
    view_set(request, &dict, "state", tpl_text(question_state(question)));
    view_set(request, &dict, "votes", tpl_int(question_votes(question)));
    return dict;
}

struct tpl_value view_question(struct request *request, const struct question_row *question)
{
    struct tpl_value dict = question_head(request, question), choices = tpl_list(&request->arena);
    for (size_t i = 0; i < question->choices_count; i++)
        tpl_list_add(&request->arena, &choices, view_choice(request, &question->choices[i]));
    view_set(request, &dict, "choices", choices);
    return dict;
}

void view_set_older(struct request *request, struct tpl_value *page, bool more,
                    const struct question_row *questions, size_t count)
{
    view_set(request, page, "older", tpl_int(more && count ? questions[count - 1].id : 0));
}

const char *view_percent(struct arena *arena, int64_t votes, int64_t total)
{
    int64_t tenths =
        total ? (int64_t)(((__int128)votes * 2000 + total) / (2 * (__int128)total)) : 0;
    return arena_printf(arena, "%lld.%lld%%", (long long)(tenths / 10), (long long)(tenths % 10));
}

int64_t view_imported(const struct question_get_reply *reply, int64_t choice_id)
{
    for (size_t i = 0; i < reply->imported_count; i++)
        if (reply->imported[i].choice_id == choice_id)
            return reply->imported[i].votes;
    return 0;
}

void view_results(struct request *request, struct tpl_value *page,
                  const struct question_get_reply *reply)
{
    const struct question_row *question = reply->question;
    int64_t total = question_votes(question), most = 0, leaders = 0;
    for (size_t i = 0; i < question->choices_count; i++)
        most = question->choices[i].votes > most ? question->choices[i].votes : most;
    struct tpl_value dict = question_head(request, question), choices = tpl_list(&request->arena);
    for (size_t i = 0; i < question->choices_count; i++) {
        const struct choice_row *choice = &question->choices[i];
        bool leads = most > 0 && choice->votes == most;
        leaders += leads;
        struct tpl_value row = view_choice(request, choice);
        view_set(request, &row, "votes", tpl_int(choice->votes));
        view_set(request, &row, "imported", tpl_int(view_imported(reply, choice->id)));
        view_set(request, &row, "percent",
                 tpl_text(view_percent(&request->arena, choice->votes, total)));
        view_set(request, &row, "bar",
                 tpl_int(total ? (choice->votes * 200 + total) / (2 * total) : 0));
        view_set(request, &row, "leading", tpl_bool(leads));
        view_set(request, &row, "mine", tpl_bool(choice->id == reply->my_choice_id));
        tpl_list_add(&request->arena, &choices, row);
    }
    view_set(request, &dict, "choices", choices);
    view_set(request, page, "question", dict);
    view_set(request, page, "tie", tpl_bool(leaders > 1));
    view_set(request, page, "imported", tpl_bool(reply->imported_count > 0));
    view_set(request, page, "receipt", tpl_str(reply->receipt));
    view_set(request, page, "owner",
             tpl_bool(request->user_id && request->user_id == question->user_id));
}

bool view_has_voted(const struct user_get_reply *user, int64_t question_id)
{
    for (size_t i = 0; user && i < user->voted_count; i++)
        if (user->voted[i].question_id == question_id)
            return true;
    return false;
}

struct str view_voted(struct request *request, const struct user_get_reply *user,
                      const struct question_row *questions, size_t count)
{
    char *marks = arena_alloc(&request->arena, count + 1);
    for (size_t i = 0; i < count; i++)
        marks[i] = view_has_voted(user, questions[i].id) ? '1' : '0';
    return str_make(marks, count);
}

/* ---- rendering ----------------------------------------------------------------------------- */

#define POLICY                                                                  \
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " \
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/* Nothing inline, nothing from elsewhere, no framing; personal pages are kept by nobody. */
static void add_page_headers(const struct gateway *gateway, struct http_response *response)
{
    static const char *const headers[][2] = {
        {"Content-Type", "text/html; charset=utf-8"},
        {"Cache-Control", "no-store"},
        {"Vary", "Accept, Cookie"},
        {"Referrer-Policy", "same-origin"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        http_response_add(response, headers[i][0], str_from(headers[i][1]));
    http_response_add(response, "Content-Security-Policy",
                      gateway->development ? STR(POLICY "; connect-src 'self'") : STR(POLICY));
}

/* The gateway's buffer is used again for the next page, but not kept at the size of a giant. */
static void respond_html(struct request *request, struct http_response *response, struct buf *html)
{
    enum { HTML_KEEP = 1 << 17 };
    if (request->gateway->development)
        development_add(request, html);
    add_page_headers(request->gateway, response);
    response->body = buf_str(html);
    request_respond(request, response);
    buf_reset(html);
    if (html->capacity > HTML_KEEP)
        buf_free(html);
}

/* In development, instead of a page: what is wrong with its template. */
static void show_problem(struct request *request, struct str problem)
{
    struct buf *html = &request->gateway->page;
    struct str known = reload_problem(request->gateway->reload);
    struct http_response response = {.status = 500};
    buf_add_str(html, STR("<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
                          "<title>500</title>\n<body>\n<pre>"));
    buf_add_str(html, text_escape(&request->arena, known.size ? known : problem));
    buf_add_str(html, STR("</pre>\n</body>\n</html>\n"));
    respond_html(request, &response, html);
}

/* Into the gateway's buffer. False, and answered, if the template fails; holes: see
 * tpl_render_holes. */
static bool render(struct request *request, const char *template, const struct tpl_value *page,
                   struct tpl_holes *out_holes)
{
    struct buf problem = {0};
    if (tpl_render_holes(request->gateway->templates, template, page, &request->arena,
                         &request->gateway->page, out_holes, &problem))
        return true;
    log_error("template_failed", L_ID("request", request->id), L_STR("problem", buf_str(&problem)));
    if (request->gateway->reload)
        show_problem(request, buf_str(&problem));
    else
        request_text(request, 500, "500: Internal Server Error\n");
    buf_free(&problem);
    return false;
}

void view_respond(struct request *request, struct http_response *response, const char *template,
                  const struct tpl_value *page)
{
    if (request->answered)
        return;
    if (request->trace)
        trace_enter(request->trace, TRACE_RENDER);
    if (render(request, template, page, NULL))
        respond_html(request, response, &request->gateway->page);
}

void view_render(struct request *request, int http_status, const char *template,
                 const struct tpl_value *page)
{
    struct http_response response = {.status = http_status};
    view_respond(request, &response, template, page);
}

/* ---- shared pages -------------------------------------------------------------------------- */

static const struct skeleton *make_skeleton(struct request *request,
                                            const struct view_shared *shared, struct str key)
{
    struct buf *html = &request->gateway->page;
    struct tpl_holes holes = {0};
    struct tpl_value page = page_with(request, shared->nav, tpl_hole(VIEW_HOLE_NAME));
    shared->build(request, &page);
    if (!render(request, shared->template, &page, &holes))
        return NULL;
    const struct skeleton *skeleton =
        skeleton_keep(shared->answer->answer.memory, shared->template, key, buf_str(html), &holes);
    buf_reset(html);
    return skeleton;
}

void view_render_shared(struct request *request, const struct view_shared *shared)
{
    struct buf *html = &request->gateway->page;
    struct http_response response = {.status = 200};
    const struct user_get_reply *user = user_of(request);
    struct str note = known_note(request);
    if (request->trace)
        trace_enter(request->trace, TRACE_RENDER);
    /* What page_with depends on, and what build does. */
    struct str key = str_from(arena_printf(&request->arena, "%d%.*s %.*s", user != NULL,
                                           STR_ARG(note), STR_ARG(shared->key)));
    const struct skeleton *skeleton =
        skeleton_find(shared->answer->answer.memory, shared->template, key)
            ?: make_skeleton(request, shared, key);
    if (!skeleton)
        return;
    shared->texts[VIEW_HOLE_NAME] = user ? user->name : STR("");
    tpl_fill(skeleton->bytes, &skeleton->holes, shared->texts, html);
    respond_html(request, &response, html);
}

/* ---- functions of templates ---------------------------------------------------------------- */

/* url(name), url(name, number): the address of a route. */
static bool url_function(struct tpl_call *call, const struct tpl_value *args, size_t count,
                         struct tpl_value *out)
{
    int64_t number = 0;
    const struct route *route = tpl_is_text(args[0]) ? routes_named(args[0].text) : NULL;
    if (!route || (count > 1 && !tpl_number(args[1], &number))) {
        call->problem = "url: no such route";
        return false;
    }
    *out = tpl_text(routes_url(call->arena, route, number));
    return true;
}

/* static(file): its address, with the version of its content. */
static bool static_function(struct tpl_call *call, const struct tpl_value *args, size_t count,
                            struct tpl_value *out)
{
    (void)count;
    struct gateway *gateway = call->owner;
    if (!tpl_is_text(args[0])) {
        call->problem = "static: expected the name of a file";
        return false;
    }
    struct str version = static_version(gateway->files, args[0].text);
    *out = tpl_text(arena_printf(call->arena, "/static/%.*s%s%.*s", STR_ARG(args[0].text),
                                 version.size ? "?v=" : "", STR_ARG(version)));
    return true;
}

struct tpl_env *view_load_templates(struct gateway *gateway, struct buf *out_errors)
{
    struct tpl_env *env = tpl_env_new();
    tpl_env_add_global(env, "url", url_function, gateway, 1, 2);
    tpl_env_add_global(env, "static", static_function, gateway, 1, 1);
    tpl_env_set_utc_offset(env, (int)gateway->config->site.utc_offset_minutes);
    (void)tpl_env_load(env, gateway->config->files.template_dir, out_errors);
    return env;
}
