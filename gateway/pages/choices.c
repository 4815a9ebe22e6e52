/* GET /questions/{id}/choice: the choices with their tallies, for programs; an unknown or malformed
 * id has none. */
#include "gateway/pages/pages.h"
#include "gateway/request.h"
#include "gateway/skeleton.h"

static const char skeleton_name[] = "choices";

struct choices {
    struct ask *list;
};

static const struct skeleton *make(struct dispatch_reply *answer,
                                   const struct choice_list_reply *list)
{
    struct buf body = {0};
    buf_add_char(&body, '[');
    for (size_t i = 0; i < list->choices_count; i++) {
        if (i)
            buf_add_str(&body, STR(", "));
        message_pack(record_choice_row(), &list->choices[i], &body);
    }
    buf_add_char(&body, ']');
    const struct skeleton *made =
        skeleton_keep(answer, skeleton_name, STR(""), buf_str(&body), NULL);
    buf_free(&body);
    return made;
}

static void show(struct request *request)
{
    struct choices *choices = request->page;
    const struct choice_list_reply *list = request_need(request, choices->list);
    if (!list)
        return;
    struct dispatch_reply *answer = choices->list->answer.memory;
    const struct skeleton *body =
        skeleton_find(answer, skeleton_name, STR("")) ?: make(answer, list);
    request_json_text(request, 200, body->bytes);
}

void choices_get(struct request *request)
{
    int64_t id = request_number(request);
    if (!id) {
        request_json_text(request, 200, STR("[]"));
        return;
    }
    struct choices *choices = request_page(request, sizeof *choices);
    choices->list = request_ask(request, MESSAGE_choice_list, &(struct choice_list){id});
    request_then(request, show);
}
