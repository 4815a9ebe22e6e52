/* GET /questions: all open questions, each with its form. */
#include "gateway/pages/pages.h"
#include "gateway/view.h"

struct questions {
    struct ask *list;
    struct str voted; /* of each: '0' or '1' */
};

static void build(struct request *request, struct tpl_value *page)
{
    const struct questions *state = request->page;
    const struct question_list_reply *list = state->list->answer.reply;
    struct tpl_value rows = tpl_list(&request->arena);
    for (size_t i = 0; i < list->questions_count; i++) {
        struct tpl_value row = view_question(request, &list->questions[i]);
        view_set(request, &row, "voted", tpl_bool(state->voted.data[i] == '1'));
        view_set(request, &row, "request_id", tpl_hole(VIEW_HOLES + i));
        tpl_list_add(&request->arena, &rows, row);
    }
    view_set(request, page, "questions", rows);
    view_set(request, page, "invalid", tpl_int(0));
    view_set_older(request, page, list->more, list->questions, list->questions_count);
}

static void show(struct request *request)
{
    struct questions *state = request->page;
    const struct user_get_reply *user;
    if (!request_user(request, &user))
        return;
    const struct question_list_reply *list = request_need(request, state->list);
    if (!list)
        return;
    size_t count = list->questions_count;
    state->voted = view_voted(request, user, list->questions, count);
    struct str *texts = arena_array(&request->arena, VIEW_HOLES + count, sizeof *texts);
    for (size_t i = 0; i < count; i++)
        texts[VIEW_HOLES + i] = view_new_id(request);
    view_render_shared(request, &(struct view_shared){.template = "questions.html",
                                                      .nav = "questions",
                                                      .answer = state->list,
                                                      .key = state->voted,
                                                      .build = build,
                                                      .texts = texts});
}

void questions_get(struct request *request)
{
    struct questions *state = request_page(request, sizeof *state);
    request_ask_user(request, true);
    state->list = request_ask(request, MESSAGE_question_list,
                              &(struct question_list){
                                  .before = request_query_number(request, "before"),
                                  .limit = request->gateway->config->site.page_size,
                              });
    request_then(request, show);
}
