/* reload: what a gateway does for those who change it (debug.reload): an open page hears when to
 * load itself again, when to take its style sheets again, and what is broken. Without it there is
 * nothing here: the address is 404 and no page is touched.
 *
 * What changed is told by the message gateway_refresh, which ./vote dev sends. */
#ifndef VOTE_GATEWAY_RELOAD_H
#define VOTE_GATEWAY_RELOAD_H

#include "proto/base/buf.h"
#include "proto/message.h"

struct config;
struct gateway;
struct reload;
struct request;

struct reload *reload_new(struct gateway *gateway);
void reload_free(struct reload *reload); /* after the server; NULL is allowed */

/* reload_set_problem: what is broken, told to all who listen; empty: nothing any more. */
void reload_set_problem(struct reload *reload, struct str problem);

/* reload_problem: what is broken now; empty: nothing. Borrowed until it changes. */
struct str reload_problem(const struct reload *reload);

/* reload_listen: answer with the stream of events:
 *   hello    data: a name of this process; another one after a reconnect: the gateway is a new one
 *   problem  data: what is broken, as plain text
 *   style    style sheets changed
 *   page     anything else changed, or what was broken works again */
void reload_listen(struct reload *reload, struct request *request);

/* reload_refresh: see gateway_refresh in messages.def; for dispatch. owner: the gateway. The reply
 * is borrowed until the next change. */
void reload_refresh(void *owner, const struct gateway_refresh *refresh,
                    struct gateway_refresh_reply *out_reply);

/* reload_wanted, reload_add_script: an addition to pages (development.c). */
bool reload_wanted(const struct config *config);
void reload_add_script(struct request *request, struct buf *out);

#endif
