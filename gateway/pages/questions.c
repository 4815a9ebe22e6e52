/* GET /questions: all open questions, each with its form. */
#include "gateway/pages/pages.h"
#include "gateway/view.h"

struct questions {
    struct ask *list;
};

static void show(struct request *request)
{
    struct questions *state = request->page;
    const struct user_get_reply *user;
    if (!request_user(request, &user))
        return;
    const struct question_list_reply *list = request_need(request, state->list);
    if (!list)
        return;
    struct tpl_value page = view_page(request, "questions"), rows = tpl_list(&request->arena);
    for (size_t i = 0; i < list->questions_count; i++) {
        struct tpl_value row = view_question(request, &list->questions[i]);
        view_set(request, &row, "voted", tpl_bool(view_has_voted(user, list->questions[i].id)));
        view_set(request, &row, "request_id", view_new_id(request));
        tpl_list_add(&request->arena, &rows, row);
    }
    view_set(request, &page, "questions", rows);
    view_set(request, &page, "invalid", tpl_int(0));
    view_set_older(request, &page, list->more, list->questions, list->questions_count);
    view_render(request, 200, "questions.html", &page);
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
