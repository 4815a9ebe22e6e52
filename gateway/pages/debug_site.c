/* GET /_debugtoolbar/site: pools, routes, settings, versions; and the button that kills a pool, to
 * see what becomes of a request it was working on. */
#include "gateway/pages/debug.h"

#include "gateway/http/event.h"
#include "gateway/view.h"
#include "proto/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/utsname.h>
#include <unistd.h>

/* ---- pools --------------------------------------------------------------------------------- */

static bool is_of_this_host(const struct pool_status *pool)
{
    char host[65] = "";
    gethostname(host, sizeof host - 1);
    return str_equal(pool->host, str_from(host));
}

static struct tpl_value pool_rows(struct request *request)
{
    struct gateway_status_reply status =
        dispatch_status(request->gateway->dispatch, &request->arena);
    struct tpl_value list = tpl_list(&request->arena);
    for (size_t i = 0; i < status.pools_count; i++) {
        const struct pool_status *pool = &status.pools[i];
        struct tpl_value row = tpl_dict(&request->arena);
        char id[ID_TEXT + 1];
        view_set(request, &row, "id",
                 tpl_text(arena_cstr(&request->arena, str_from(id_print(pool->pool_id, id)))));
        view_set(request, &row, "service", tpl_str(pool->service));
        view_set(request, &row, "host", tpl_str(arena_str(&request->arena, pool->host)));
        view_set(request, &row, "pid", tpl_int(pool->pid));
        view_set(request, &row, "reads", tpl_int(pool->reads_in_flight));
        view_set(request, &row, "writes", tpl_int(pool->writes_in_flight));
        view_set(request, &row, "served", tpl_int(pool->served));
        view_set(request, &row, "here", tpl_bool(is_of_this_host(pool)));
        tpl_list_add(&request->arena, &list, row);
    }
    return list;
}

/* ---- the rest ------------------------------------------------------------------------------ */

static struct tpl_value route_rows(struct request *request)
{
    size_t count;
    const struct route *routes = routes_all(&count);
    struct tpl_value list = tpl_list(&request->arena);
    for (size_t i = 0; i < count; i++) {
        static const char *const sessions[] = {"no", "if there is one", "required"};
        struct tpl_value row = tpl_dict(&request->arena);
        view_set(request, &row, "path", tpl_text(routes[i].path));
        view_set(request, &row, "name", tpl_text(routes[i].name ? routes[i].name : ""));
        view_set(request, &row, "methods",
                 tpl_str(http_allow(&request->arena, routes_methods(&routes[i]))));
        view_set(request, &row, "session", tpl_text(sessions[routes[i].session]));
        tpl_list_add(&request->arena, &list, row);
    }
    return list;
}

static void add_version(struct request *request, struct tpl_value *list, const char *name,
                        const char *version)
{
    struct tpl_value row = tpl_dict(&request->arena);
    view_set(request, &row, "name", tpl_text(name));
    view_set(request, &row, "version", tpl_text(version));
    tpl_list_add(&request->arena, list, row);
}

static struct tpl_value versions(struct request *request)
{
    struct tpl_value list = tpl_list(&request->arena);
    struct utsname os;
    add_version(request, &list, "vote", VOTE_VERSION);
    add_version(request, &list, "libevent", event_get_version());
    add_version(request, &list, "compiler", __VERSION__);
    if (uname(&os) == 0)
        add_version(request, &list, "kernel",
                    arena_printf(&request->arena, "%s %s", os.sysname, os.release));
    return list;
}

void debug_site_get(struct request *request)
{
    struct tpl_value page = view_page(request, "site");
    struct buf settings = {0};
    config_print(request->gateway->config, &settings);
    view_set(request, &page, "pools", pool_rows(request));
    view_set(request, &page, "routes", route_rows(request));
    view_set(request, &page, "versions", versions(request));
    view_set(request, &page, "settings", tpl_str(buf_str(&settings)));
    view_render(request, 200, "debug/site.html", &page);
    buf_free(&settings);
}

/* ---- killing ------------------------------------------------------------------------------- */

/* What a pool says of its process is a claim: another program's shall not be killed for it. */
static bool is_worker(int64_t pid)
{
    char path[64], name[64] = "";
    snprintf(path, sizeof path, "/proc/%lld/comm", (long long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t size = read(fd, name, sizeof name);
    close(fd);
    return size > 0 && str_equal(str_make(name, (size_t)size), STR("vote-worker\n"));
}

static const struct pool_status *find_pool(const struct gateway_status_reply *status, struct id id)
{
    for (size_t i = 0; i < status->pools_count; i++)
        if (id_equal(status->pools[i].pool_id, id))
            return &status->pools[i];
    return NULL;
}

void debug_kill_post(struct request *request)
{
    struct id id;
    struct gateway_status_reply status =
        dispatch_status(request->gateway->dispatch, &request->arena);
    const struct pool_status *pool = id_parse(request->param, &id) ? find_pool(&status, id) : NULL;
    if (!pool || !is_of_this_host(pool) || !is_worker(pool->pid)) {
        request_fail_http(request, 404);
        return;
    }
    int failed = kill((pid_t)pool->pid, SIGKILL) ? errno : 0;
    log_warn("pool_killed", L_ID("request", request->id), L_ID("pool", id), L_INT("pid", pool->pid),
             L_TEXT("error", failed ? strerror(failed) : ""));
    request_redirect(request, 303, "/_debugtoolbar/site");
}
