/* GET /questions/mine: what the user asked, closed and deleted too. */
#include "gateway/pages/pages.h"
#include "gateway/view.h"

struct mine {
    struct ask *list;
};

static void show(struct request *request)
{
    struct mine *mine = request->page;
    const struct user_get_reply *user;
    if (!request_user(request, &user))
        return;
    const struct question_mine_reply *list = request_need(request, mine->list);
    if (!list)
        return;
    struct tpl_value page = view_page(request, "mine"), rows = tpl_list(&request->arena);
    for (size_t i = 0; i < list->questions_count; i++)
        tpl_list_add(&request->arena, &rows, view_question(request, &list->questions[i]));
    view_set(request, &page, "questions", rows);
    view_set_older(request, &page, list->more, list->questions, list->questions_count);
    view_render(request, 200, "mine.html", &page);
}

void question_mine_get(struct request *request)
{
    struct mine *mine = request_page(request, sizeof *mine);
    request_ask_user(request, false);
    mine->list = request_ask(request, MESSAGE_question_mine,
                             &(struct question_mine){
                                 .user_id = request->user_id,
                                 .before = request_query_number(request, "before"),
                                 .limit = request->gateway->config->site.page_size,
                             });
    request_then(request, show);
}
