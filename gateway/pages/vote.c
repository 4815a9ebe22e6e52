/* POST /questions/{id}/vote: one vote of one account, once. */
#include "gateway/outcome.h"
#include "gateway/pages/pages.h"
#include "gateway/pages/question.h"

struct vote {
    struct ask *cast;
    int64_t question_id;
};

static void accepted(struct request *request, const struct vote_cast_reply *reply)
{
    struct vote *vote = request->page;
    if (!request_reads_json(request)) {
        request_redirect(request, 303,
                         arena_printf(&request->arena, "/questions/%lld/results?note=voted",
                                      (long long)vote->question_id));
        return;
    }
    struct buf body = {0};
    buf_add_str(&body, STR("{\"error_code\": 0, \"error_msg\": \"ok\", \"receipt\": "));
    json_add_text(&body, reply->receipt);
    buf_add_char(&body, '}');
    request_json(request, 200, &body);
}

static void counted(struct request *request)
{
    struct vote *vote = request->page;
    enum status status = vote->cast->answer.status;
    if (status == STATUS_OK)
        accepted(request, vote->cast->answer.reply);
    else if (status == STATUS_USER_UNKNOWN)
        request_log_in(request); /* a session that outlived its account */
    else if (!request_reads_json(request) &&
             (status == STATUS_ALREADY_VOTED || status == STATUS_QUESTION_CLOSED))
        question_show_again(request, status, outcome_http(status));
    else
        request_fail(request, status);
}

static void refuse(struct request *request, const char *field, const char *reason)
{
    if (request_reads_json(request))
        request_json_status(request, STATUS_INVALID, &(struct request_field){field, reason}, 1);
    else
        question_show_again(request, STATUS_INVALID, outcome_http(STATUS_INVALID));
}

void vote_post(struct request *request)
{
    const struct http_field *choice = http_form_get(&request->form, "choice_id");
    struct vote_cast cast = {.user_id = request->user_id, .question_id = request_number(request)};
    if (!choice || choice->value.size == 0) {
        refuse(request, "choice_id", "missing");
    } else if (!choice->valid) {
        refuse(request, "choice_id", "invalid");
    } else if (!request_form_id(request, &cast.request_id)) {
        refuse(request, "request_id", "invalid");
    } else if (!cast.question_id || !str_to_int64(choice->value, &cast.choice_id) ||
               cast.choice_id < 1) {
        request_fail(request, STATUS_NOT_FOUND);
    } else {
        struct vote *vote = request_page(request, sizeof *vote);
        vote->question_id = cast.question_id;
        vote->cast = request_ask(request, MESSAGE_vote_cast, &cast);
        request_then(request, counted);
    }
}
