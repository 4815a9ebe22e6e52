/* The liveness of the loop alone: touches no queue. */
#include "gateway/pages/pages.h"
#include "gateway/request.h"

void hello_get(struct request *request)
{
    request_text(request, 200, "Hello Aiohttp!");
}
