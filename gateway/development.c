#include "gateway/development.h"

#include "gateway/client.h"
#include "gateway/pages/debug.h"
#include "gateway/reload.h"

#include <string.h>

/* An addition: configured at all? And its HTML for this page, if it has one. External scripts and
 * styles alone: the policy of content holds here too, but for connections to ourselves. */
static const struct addition {
    bool (*wanted)(const struct config *config);
    void (*add)(struct request *request, struct buf *out);
} additions[] = {
    {debug_wanted, debug_add_button},
    {reload_wanted, reload_add_script},
};

bool development_wanted(const struct config *config)
{
    bool wanted = false;
    for (size_t i = 0; i < sizeof additions / sizeof *additions; i++)
        wanted |= additions[i].wanted(config);
    return wanted;
}

static ptrdiff_t find_last(struct str html, struct str what)
{
    for (size_t at = html.size - what.size + 1; html.size >= what.size && at-- > 0;)
        if (memcmp(html.data + at, what.data, what.size) == 0)
            return (ptrdiff_t)at;
    return -1;
}

void development_add(struct request *request, struct buf *html)
{
    ptrdiff_t end = find_last(buf_str(html), STR("</body>"));
    if (end < 0)
        return;
    struct buf whole = {0};
    buf_add(&whole, html->data, (size_t)end);
    for (size_t i = 0; i < sizeof additions / sizeof *additions; i++)
        if (additions[i].wanted(request->gateway->config))
            additions[i].add(request, &whole);
    buf_add(&whole, html->data + end, html->size - (size_t)end);
    buf_free(html);
    *html = whole;
}
