/* GET /_dev/events: what changed, for an open page; in development alone. */
#include "gateway/develop.h"
#include "gateway/pages/pages.h"
#include "gateway/request.h"

void develop_events_get(struct request *request)
{
    if (request->gateway->develop)
        develop_listen(request->gateway->develop, request);
    else
        request_fail_http(request, 404);
}
