#include "gateway/reload.h"

#include "gateway/request.h"
#include "gateway/streams.h"
#include "gateway/view.h"
#include "proto/base/die.h"
#include "proto/base/log.h"

#include <stdlib.h>

enum { LISTENERS_MAX = 16, HEARTBEAT_MS = 15000 };

struct reload {
    struct gateway *gateway;
    struct streams *streams;
    char name[ID_TEXT + 1]; /* of this process */
    struct buf problem;
};

struct reload *reload_new(struct gateway *gateway)
{
    struct reload *reload = calloc(1, sizeof *reload);
    if (!reload)
        die("out of memory");
    reload->gateway = gateway;
    reload->streams = streams_new(gateway->loop, LISTENERS_MAX, HEARTBEAT_MS);
    id_print(id_random(), reload->name);
    return reload;
}

void reload_free(struct reload *reload)
{
    if (!reload)
        return;
    streams_free(reload->streams);
    buf_free(&reload->problem);
    free(reload);
}

void reload_set_problem(struct reload *reload, struct str problem)
{
    buf_reset(&reload->problem);
    buf_add_str(&reload->problem, problem);
    if (problem.size)
        streams_send(reload->streams, "problem", problem);
    else
        streams_send(reload->streams, "page", STR(""));
}

struct str reload_problem(const struct reload *reload)
{
    return buf_str(&reload->problem);
}

void reload_listen(struct reload *reload, struct request *request)
{
    struct buf first = {0};
    buf_add_str(&first, STR("retry: 300\n\n")); /* milliseconds: a gateway starts in less */
    streams_event(&first, "hello", str_from(reload->name));
    if (reload->problem.size)
        streams_event(&first, "problem", buf_str(&reload->problem));
    streams_open(reload->streams, request, buf_str(&first));
    buf_free(&first);
}

/* Broken templates change nothing: those that were are shown on. */
static void load_templates(struct reload *reload)
{
    struct gateway *gateway = reload->gateway;
    struct buf errors = {0};
    struct tpl_env *templates = view_load_templates(gateway, &errors);
    if (errors.size) {
        log_warn("templates_broken", L_STR("problem", buf_str(&errors)));
        tpl_env_free(templates);
    } else {
        tpl_env_free(gateway->templates);
        gateway->templates = templates;
    }
    reload_set_problem(reload, buf_str(&errors));
    buf_free(&errors);
}

void reload_refresh(void *owner, const struct gateway_refresh *refresh,
                    struct gateway_refresh_reply *out_reply)
{
    struct gateway *gateway = owner;
    struct reload *reload = gateway->reload;
    static_forget(gateway->files);
    if (refresh->problem.size)
        reload_set_problem(reload, refresh->problem);
    else if (refresh->style)
        streams_send(reload->streams, "style", STR(""));
    else
        load_templates(reload);
    out_reply->problem = buf_str(&reload->problem);
}

bool reload_wanted(const struct config *config)
{
    return config->debug.reload;
}

void reload_add_script(struct request *request, struct buf *out)
{
    struct str version = static_version(request->gateway->files, STR("js/dev.js"));
    buf_printf(out, "<script src=\"/static/js/dev.js?v=%.*s\" defer></script>\n", STR_ARG(version));
}
