/* For whoever watches the process: does it run, and can it serve? */
#include "gateway/pages/pages.h"
#include "gateway/request.h"

void healthz_get(struct request *request)
{
    request_text(request, 200, "ok\n");
}

void readyz_get(struct request *request)
{
    static const enum service needed[] = {SERVICE_DB, SERVICE_SESSION, SERVICE_PASSWORD};
    struct buf missing = {0};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (dispatch_pools(request->gateway->dispatch, needed[i]) == 0)
            buf_printf(&missing, " %s", service_name(needed[i]));
    if (missing.size == 0)
        request_text(request, 200, "ready\n");
    else
        request_text(
            request, 503,
            arena_printf(&request->arena, "no pool of:%.*s\n", STR_ARG(buf_str(&missing))));
    buf_free(&missing);
}
