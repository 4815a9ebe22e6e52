/* GET /questions/{id}: the form, or its results once voted, closed or deleted. Also what a vote
 * that was not accepted shows again. */
#include "gateway/pages/question.h"

#include "gateway/pages/pages.h"
#include "gateway/view.h"

struct question_page {
    struct ask *get;
    enum status status; /* of the vote that led here; OK: none */
    int http_status;
    bool results; /* even if the form could be shown */
};

static void show_form(struct request *request, const struct question_row *question)
{
    struct question_page *state = request->page;
    struct tpl_value page = view_page(request, "questions");
    struct tpl_value row = view_question(request, question);
    view_set(request, &row, "request_id", tpl_str(view_new_id(request)));
    view_set(request, &page, "question", row);
    view_set(request, &page, "invalid",
             tpl_int(state->status == STATUS_INVALID ? question->id : 0));
    view_set_error(request, &page, state->status);
    view_render(request, state->http_status, "question.html", &page);
}

static void show_results(struct request *request, const struct question_get_reply *reply)
{
    struct question_page *state = request->page;
    struct tpl_value page = view_page(request, "questions");
    view_results(request, &page, reply);
    view_set_error(request, &page, state->status);
    view_render(request, state->http_status, "results.html", &page);
}

static void results_json(struct request *request, const struct question_get_reply *reply)
{
    const struct question_row *question = reply->question;
    struct buf body = {0};
    int64_t total = 0;
    for (size_t i = 0; i < question->choices_count; i++)
        total += question->choices[i].votes;
    buf_printf(&body, "{\"id\": %lld, \"question_text\": ", (long long)question->id);
    json_add_text(&body, question->question_text);
    buf_printf(&body, ", \"closed\": %s, \"closes_at\": ", question->closed ? "true" : "false");
    if (question->closes_at.size)
        json_add_text(&body, question->closes_at);
    else
        buf_add_str(&body, STR("null"));
    buf_printf(&body, ", \"votes\": %lld, \"choices\": [", (long long)total);
    for (size_t i = 0; i < question->choices_count; i++) {
        const struct choice_row *choice = &question->choices[i];
        buf_printf(&body, "%s{\"id\": %lld, \"choice_text\": ", i ? ", " : "",
                   (long long)choice->id);
        json_add_text(&body, choice->choice_text);
        buf_printf(&body, ", \"votes\": %lld, \"percent\": \"%s\"", (long long)choice->votes,
                   view_percent(&request->arena, choice->votes, total));
        if (reply->imported_count)
            buf_printf(&body, ", \"imported_votes\": %lld",
                       (long long)view_imported(reply, choice->id));
        buf_add_char(&body, '}');
    }
    buf_add_str(&body, STR("]"));
    if (reply->receipt.size) {
        buf_printf(&body,
                   ", \"my_choice_id\": %lld, \"receipt\": ", (long long)reply->my_choice_id);
        json_add_text(&body, reply->receipt);
    }
    buf_add_char(&body, '}');
    request_json(request, 200, &body);
}

static void show(struct request *request)
{
    struct question_page *state = request->page;
    const struct user_get_reply *user;
    if (!request_user(request, &user))
        return;
    const struct question_get_reply *reply = request_need(request, state->get);
    if (!reply)
        return;
    const struct question_row *question = reply->question;
    bool over = reply->my_choice_id || question->closed || question->deleted;
    if (state->results && request_reads_json(request))
        results_json(request, reply);
    else if (state->results || over)
        show_results(request, reply);
    else
        show_form(request, question);
}

static void ask(struct request *request, struct question_page state)
{
    int64_t id = request_number(request);
    if (!id) {
        request_fail(request, STATUS_NOT_FOUND);
        return;
    }
    struct question_page *page = arena_new(&request->arena, struct question_page);
    request->page = page;
    *page = state;
    request_ask_user(request, false);
    page->get =
        request_ask(request, MESSAGE_question_get, &(struct question_get){id, request->user_id});
    request_then(request, show);
}

void question_get_page(struct request *request)
{
    ask(request, (struct question_page){.status = STATUS_OK, .http_status = 200});
}

void results_get(struct request *request)
{
    ask(request, (struct question_page){.status = STATUS_OK, .http_status = 200, .results = true});
}

void question_show_again(struct request *request, enum status status, int http_status)
{
    ask(request, (struct question_page){
                     .status = status,
                     .http_status = http_status,
                     .results = status != STATUS_INVALID,
                 });
}
