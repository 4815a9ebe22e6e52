/* GET /: the newest questions. */
#include "gateway/pages/pages.h"
#include "gateway/view.h"

struct home {
    struct ask *list;
};

static void show(struct request *request)
{
    struct home *home = request->page;
    const struct user_get_reply *user;
    if (!request_user(request, &user))
        return;
    const struct question_list_reply *list = request_need(request, home->list);
    if (!list)
        return;
    struct tpl_value page = view_page(request, "home"), questions = tpl_list(&request->arena);
    for (size_t i = 0; i < list->questions_count; i++) {
        struct tpl_value row = view_question(request, &list->questions[i]);
        view_set(request, &row, "voted", tpl_bool(view_has_voted(user, list->questions[i].id)));
        tpl_list_add(&request->arena, &questions, row);
    }
    view_set(request, &page, "questions", questions);
    view_render(request, 200, "index.html", &page);
}

void home_get(struct request *request)
{
    struct home *home = request_page(request, sizeof *home);
    request_ask_user(request, true);
    home->list =
        request_ask(request, MESSAGE_question_list,
                    &(struct question_list){.limit = request->gateway->config->site.home_size});
    request_then(request, show);
}
