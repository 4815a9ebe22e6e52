/* GET /: the newest questions. */
#include "gateway/pages/pages.h"
#include "gateway/view.h"

struct home {
    struct ask *list;
    struct str voted; /* of each: '0' or '1' */
};

static void build(struct request *request, struct tpl_value *page)
{
    const struct home *home = request->page;
    const struct question_list_reply *list = home->list->answer.reply;
    struct tpl_value questions = tpl_list(&request->arena);
    for (size_t i = 0; i < list->questions_count; i++) {
        struct tpl_value row = view_question(request, &list->questions[i]);
        view_set(request, &row, "voted", tpl_bool(home->voted.data[i] == '1'));
        tpl_list_add(&request->arena, &questions, row);
    }
    view_set(request, page, "questions", questions);
}

static void show(struct request *request)
{
    struct home *home = request->page;
    const struct user_get_reply *user;
    if (!request_user(request, &user))
        return;
    const struct question_list_reply *list = request_need(request, home->list);
    if (!list)
        return;
    struct str texts[VIEW_HOLES];
    home->voted = view_voted(request, user, list->questions, list->questions_count);
    view_render_shared(request, &(struct view_shared){.template = "index.html",
                                                      .nav = "home",
                                                      .answer = home->list,
                                                      .key = home->voted,
                                                      .build = build,
                                                      .texts = texts});
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
