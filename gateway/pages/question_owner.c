/* POST /questions/{id}/close and /delete: the owner's alone; to anyone else there is no such
 * question. Both may be sent again: the answer is the same. */
#include "gateway/pages/pages.h"
#include "gateway/view.h"

struct owner {
    struct ask *change;
    const char *location; /* for a browser, afterwards */
};

static void done(struct request *request)
{
    struct owner *owner = request->page;
    if (!request_need(request, owner->change))
        return;
    if (request_reads_json(request))
        request_json_status(request, STATUS_OK, NULL, 0);
    else
        request_redirect(request, 303, owner->location);
}

void question_close_post(struct request *request)
{
    int64_t id = request_number(request);
    if (!id) {
        request_fail(request, STATUS_NOT_FOUND);
        return;
    }
    struct owner *owner = request_page(request, sizeof *owner);
    owner->location =
        arena_printf(&request->arena, "/questions/%lld/results?note=closed", (long long)id);
    owner->change = request_ask(request, MESSAGE_question_close,
                                &(struct question_close){id, request->user_id});
    request_then(request, done);
}

void question_delete_post(struct request *request)
{
    int64_t id = request_number(request);
    if (!id) {
        request_fail(request, STATUS_NOT_FOUND);
        return;
    }
    struct owner *owner = request_page(request, sizeof *owner);
    owner->location = "/questions/mine?note=deleted";
    owner->change = request_ask(request, MESSAGE_question_delete,
                                &(struct question_delete){id, request->user_id});
    request_then(request, done);
}
