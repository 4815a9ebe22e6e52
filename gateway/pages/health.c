/* For whoever watches the process through the site's own address: does it run, and can it serve? */
#include "gateway/admin.h"
#include "gateway/pages/pages.h"
#include "gateway/request.h"

void healthz_get(struct request *request)
{
    request_text(request, 200, "ok\n");
}

void readyz_get(struct request *request)
{
    const char *missing = admin_missing(request->gateway, &request->arena);
    if (*missing)
        request_text(request, 503, arena_printf(&request->arena, "no pool of:%s\n", missing));
    else
        request_text(request, 200, "ready\n");
}
