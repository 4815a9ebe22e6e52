/* GET /_dev/events: what changed, for an open page; with debug.reload, to debug.hosts alone. */
#include "gateway/reload.h"
#include "gateway/development.h"
#include "gateway/pages/pages.h"
#include "gateway/request.h"

void reload_events_get(struct request *request)
{
    struct reload *reload = request->gateway->reload;
    if (reload && request_is_developer(request))
        reload_listen(reload, request);
    else
        request_fail_http(request, 404);
}
