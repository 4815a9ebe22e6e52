/* /static/…: the site's own files and the front-end library's. */
#include "gateway/pages/pages.h"
#include "gateway/request.h"

void static_get(struct request *request)
{
    struct http_response response;
    static_serve(request->gateway->files, request->http, request->param, &request->arena,
                 &response);
    if (response.status >= 400 && response.status != 412 && response.status != 416)
        request_fail_http(request, response.status);
    else
        request_respond(request, &response);
}
