/* route-table: prints the gateway's routes as JSON, for tests that must hold on every one of them:
 * [{"path": "/questions/{}", "get": true, "post": false, "session": false, "shared": false}, …] */
#include "gateway/routes.h"

#include <stdio.h>

static const char *truth(bool value)
{
    return value ? "true" : "false";
}

int main(void)
{
    size_t count;
    const struct route *routes = routes_all(&count);
    for (size_t i = 0, printed = 0; i < count; i++)
        if (!routes[i].development) /* for the site there is no such path */
            printf(
                "%s{\"path\": \"%s\", \"get\": %s, \"post\": %s, \"session\": %s, \"shared\": %s}",
                printed++ ? ",\n" : "[", routes[i].path, truth(routes[i].get),
                truth(routes[i].post), truth(routes[i].session != SESSION_NONE),
                truth(routes[i].shared));
    printf("]\n");
    return fflush(stdout) == 0 ? 0 : 1;
}
