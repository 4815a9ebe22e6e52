/* GET /_dev/events: what changed, for an open page; with debug.reload, to debug.hosts alone. */
#include "gateway/reload.h"
#include "gateway/development.h"
#include "gateway/pages/pages.h"
#include "gateway/request.h"

void reload_events_get(struct request *request)
{
    const struct gateway *gateway = request->gateway;
    if (gateway->reload && development_is_for(request))
        reload_listen(gateway->reload, request);
    else
        request_fail_http(request, 404);
}
