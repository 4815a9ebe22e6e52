#include "gateway/develop.h"

#include "gateway/request.h"
#include "gateway/streams.h"
#include "gateway/view.h"
#include "proto/base/die.h"
#include "proto/base/log.h"

#include <stdlib.h>

enum { LISTENERS_MAX = 16, HEARTBEAT_MS = 15000 };

struct develop {
    struct gateway *gateway;
    struct streams *streams;
    char name[ID_TEXT + 1]; /* of this process */
    struct buf problem;
};

struct develop *develop_new(struct gateway *gateway)
{
    struct develop *develop = calloc(1, sizeof *develop);
    if (!develop)
        die("out of memory");
    develop->gateway = gateway;
    develop->streams = streams_new(gateway->loop, LISTENERS_MAX, HEARTBEAT_MS);
    id_print(id_random(), develop->name);
    return develop;
}

void develop_free(struct develop *develop)
{
    if (!develop)
        return;
    streams_free(develop->streams);
    buf_free(&develop->problem);
    free(develop);
}

void develop_set_problem(struct develop *develop, struct str problem)
{
    buf_reset(&develop->problem);
    buf_add_str(&develop->problem, problem);
    if (problem.size)
        streams_send(develop->streams, "problem", problem);
    else
        streams_send(develop->streams, "page", STR(""));
}

struct str develop_problem(const struct develop *develop)
{
    return buf_str(&develop->problem);
}

void develop_listen(struct develop *develop, struct request *request)
{
    struct buf first = {0};
    buf_add_str(&first, STR("retry: 300\n\n")); /* milliseconds: a gateway starts in less */
    streams_event(&first, "hello", str_from(develop->name));
    if (develop->problem.size)
        streams_event(&first, "problem", buf_str(&develop->problem));
    streams_open(develop->streams, request, buf_str(&first));
    buf_free(&first);
}

/* Broken templates change nothing: those that were are shown on. */
static void load_templates(struct develop *develop)
{
    struct gateway *gateway = develop->gateway;
    struct buf errors = {0};
    struct tpl_env *templates = view_load_templates(gateway, &errors);
    if (errors.size) {
        log_warn("templates_broken", L_STR("problem", buf_str(&errors)));
        tpl_env_free(templates);
    } else {
        tpl_env_free(gateway->templates);
        gateway->templates = templates;
    }
    develop_set_problem(develop, buf_str(&errors));
    buf_free(&errors);
}

void develop_refresh(void *owner, const struct gateway_refresh *refresh,
                     struct gateway_refresh_reply *out_reply)
{
    struct gateway *gateway = owner;
    struct develop *develop = gateway->develop;
    static_forget(gateway->files);
    if (refresh->problem.size)
        develop_set_problem(develop, refresh->problem);
    else if (refresh->style)
        streams_send(develop->streams, "style", STR(""));
    else
        load_templates(develop);
    out_reply->problem = buf_str(&develop->problem);
}

void develop_add_script(struct develop *develop, struct arena *arena, struct buf *html)
{
    static const char end[] = "</body>";
    const char *at = NULL, *next = html->data;
    while (next &&
           (next = memmem(next, html->size - (size_t)(next - html->data), end, sizeof end - 1)))
        at = next++;
    if (!at)
        return;
    struct str rest = arena_str(arena, str_make(at, html->size - (size_t)(at - html->data)));
    html->size -= rest.size;
    struct str version = static_version(develop->gateway->files, STR("js/dev.js"));
    buf_printf(html, "<script src=\"/static/js/dev.js?v=%.*s\" defer></script>\n%.*s",
               STR_ARG(version), STR_ARG(rest));
}
