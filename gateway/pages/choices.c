/* GET /questions/{id}/choice: the choices with their tallies, for programs; an unknown or malformed
 * id has none. */
#include "gateway/pages/pages.h"
#include "gateway/request.h"

struct choices {
    struct ask *list;
};

static void show(struct request *request)
{
    struct choices *choices = request->page;
    const struct choice_list_reply *list = request_need(request, choices->list);
    if (!list)
        return;
    struct buf body = {0};
    buf_add_char(&body, '[');
    for (size_t i = 0; i < list->choices_count; i++) {
        if (i)
            buf_add_str(&body, STR(", "));
        message_pack(record_choice_row(), &list->choices[i], &body);
    }
    buf_add_char(&body, ']');
    request_json(request, 200, &body);
}

void choices_get(struct request *request)
{
    int64_t id = request_number(request);
    if (!id) {
        struct buf none = {0};
        buf_add_str(&none, STR("[]"));
        request_json(request, 200, &none);
        return;
    }
    struct choices *choices = request_page(request, sizeof *choices);
    choices->list = request_ask(request, MESSAGE_choice_list, &(struct choice_list){id});
    request_then(request, show);
}
