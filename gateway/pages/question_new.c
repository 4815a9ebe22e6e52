/* /questions/new: ask a question of one's own. */
#include "gateway/fields.h"
#include "gateway/pages/pages.h"
#include "gateway/site_time.h"
#include "gateway/view.h"

enum { TEXT_MAX = 200, CHOICES_MIN = 2, CHOICES_MAX = 20, INPUTS_FIRST = 6, INPUTS_MORE = 4 };

struct question_new {
    struct id request_id;
    struct str text;
    struct str inputs[CHOICES_MAX]; /* as typed, the empty ones too */
    size_t input_count;             /* sent; may be more than there is room for */
    struct choice_new choices[CHOICES_MAX];
    size_t choice_count;
    struct str closes_at; /* as typed */
    char closes_at_utc[SITE_TIME_TEXT + 1];
    struct fields fields;
    struct ask *create;
    /* What the form shows once the user's name is there. */
    enum status status;
    int http_status;
    bool more;
};

/* ---- the form ------------------------------------------------------------------------------ */

static size_t inputs_shown(const struct question_new *state)
{
    size_t count = state->input_count < CHOICES_MAX ? state->input_count : CHOICES_MAX;
    if (state->more)
        count += INPUTS_MORE;
    if (count < INPUTS_FIRST)
        count = INPUTS_FIRST;
    return count < CHOICES_MAX ? count : CHOICES_MAX;
}

static void show_form(struct request *request)
{
    struct question_new *state = request->page;
    const struct user_get_reply *user;
    char offset[8];
    if (!request_user(request, &user))
        return;
    struct tpl_value page = view_page(request, "new"), form = tpl_dict(&request->arena),
                     choices = tpl_list(&request->arena);
    size_t shown = inputs_shown(state);
    for (size_t i = 0; i < shown; i++)
        tpl_list_add(&request->arena, &choices,
                     i < state->input_count ? fields_kept(state->inputs[i]) : tpl_text(""));
    view_set(request, &form, "text", fields_kept(state->text));
    view_set(request, &form, "choices", choices);
    view_set(request, &form, "closes_at", fields_kept(state->closes_at));
    view_set(request, &page, "form", form);
    view_set(request, &page, "fields",
             view_fields(request, state->fields.rows, state->fields.count));
    view_set(request, &page, "more", tpl_bool(shown < CHOICES_MAX));
    view_set(request, &page, "utc_offset",
             tpl_text(site_time_offset(request->gateway->config->site.utc_offset_minutes, offset)));
    view_set(request, &page, "request_id", tpl_str(view_new_id(request)));
    view_set_error(request, &page, state->status);
    view_render(request, state->http_status, "question_new.html", &page);
}

static void ask_and_show(struct request *request, enum status status, int http_status)
{
    struct question_new *state = request->page;
    state->status = status;
    state->http_status = http_status;
    request_ask_user(request, false);
    request_then(request, show_form);
}

void question_new_get(struct request *request)
{
    request_page(request, sizeof(struct question_new));
    ask_and_show(request, STATUS_OK, 200);
}

/* ---- reading it ---------------------------------------------------------------------------- */

static void read_choices(struct request *request, struct question_new *state)
{
    for (size_t i = 0; i < request->form.count; i++) {
        if (!str_equal(request->form.fields[i].name, STR("choice")))
            continue;
        struct str text = str_trim(request->form.fields[i].value, " \t\r\n");
        if (state->input_count < CHOICES_MAX)
            state->inputs[state->input_count] = text;
        state->input_count++;
        if (str_is_blank(text))
            continue;
        fields_add(&state->fields, "choice", fields_check(text, TEXT_MAX));
        for (size_t j = 0; j < state->choice_count; j++)
            if (str_equal(state->choices[j].choice_text, text))
                fields_add(&state->fields, "choice", "same");
        if (state->choice_count == CHOICES_MAX)
            fields_add(&state->fields, "choice", "many");
        else
            state->choices[state->choice_count++].choice_text = text;
    }
    if (state->choice_count < CHOICES_MIN)
        fields_add(&state->fields, "choice", "missing");
}

static void read_closes_at(struct request *request, struct question_new *state)
{
    int64_t offset = request->gateway->config->site.utc_offset_minutes;
    state->closes_at = fields_text(request, "closes_at");
    if (state->closes_at.size && !site_time_to_utc(state->closes_at, offset, state->closes_at_utc))
        fields_add(&state->fields, "closes_at", "invalid");
}

/* ---- answers ------------------------------------------------------------------------------- */

static void refuse(struct request *request)
{
    struct question_new *state = request->page;
    if (request_reads_json(request))
        request_json_status(request, STATUS_INVALID, state->fields.rows, state->fields.count);
    else
        ask_and_show(request, STATUS_INVALID, 422);
}

static bool names_field(const struct error *error, struct str name)
{
    return error && error->fields_count && str_equal(error->fields[0].name, name);
}

static void created(struct request *request)
{
    struct question_new *state = request->page;
    enum status status = state->create->answer.status;
    if (status == STATUS_INVALID) {
        /* Everything else was checked here; only the database knows what is past by its clock, and
         * which ids were used for another question. */
        bool past = names_field(state->create->answer.error, STR("closes_at"));
        fields_add(&state->fields, past ? "closes_at" : "request_id", past ? "past" : "invalid");
        refuse(request);
        return;
    }
    if (status == STATUS_USER_UNKNOWN) { /* a session that outlived its account */
        request_log_in(request);
        return;
    }
    const struct question_create_reply *reply = request_need(request, state->create);
    if (!reply)
        return;
    if (!request_reads_json(request)) {
        request_redirect(request, 303,
                         arena_printf(&request->arena, "/questions/%lld?note=created",
                                      (long long)reply->question_id));
        return;
    }
    struct buf body = {0};
    buf_printf(&body, "{\"error_code\": 0, \"error_msg\": \"ok\", \"id\": %lld}",
               (long long)reply->question_id);
    request_json(request, 200, &body);
}

void question_new_post(struct request *request)
{
    struct question_new *state = request_page(request, sizeof *state);
    state->text = fields_text(request, "text");
    fields_add(&state->fields, "text", fields_check(state->text, TEXT_MAX));
    read_choices(request, state);
    read_closes_at(request, state);
    if (http_form_get(&request->form, "more")) {
        state->more = true;
        state->fields.count = 0;
        ask_and_show(request, STATUS_OK, 200);
        return;
    }
    if (!request_form_id(request, &state->request_id))
        fields_add(&state->fields, "request_id", "invalid");
    if (state->fields.count) {
        refuse(request);
        return;
    }
    state->create = request_ask(request, MESSAGE_question_create,
                                &(struct question_create){
                                    .request_id = state->request_id,
                                    .user_id = request->user_id,
                                    .question_text = state->text,
                                    .choices = state->choices,
                                    .choices_count = state->choice_count,
                                    .closes_at = str_from(state->closes_at_utc),
                                });
    request_then(request, created);
}
