/* develop: what a gateway does for those who change it (gateway.debug): an open page hears when to
 * load itself again, when to take its style sheets again, and what is broken. Without it there is
 * nothing here: the address is 404 and no page is touched.
 *
 * What changed is told by the message gateway_refresh, which ./vote dev sends. */
#ifndef VOTE_GATEWAY_DEVELOP_H
#define VOTE_GATEWAY_DEVELOP_H

#include "proto/base/buf.h"
#include "proto/message.h"

struct develop;
struct gateway;
struct request;

struct develop *develop_new(struct gateway *gateway);
void develop_free(struct develop *develop); /* after the server; NULL is allowed */

/* develop_set_problem: what is broken, told to all who listen; empty: nothing any more. */
void develop_set_problem(struct develop *develop, struct str problem);

/* develop_problem: what is broken now; empty: nothing. Borrowed until it changes. */
struct str develop_problem(const struct develop *develop);

/* develop_listen: answer with the stream of events:
 *   hello    data: a name of this process; another one after a reconnect: the gateway is a new one
 *   problem  data: what is broken, as plain text
 *   style    style sheets changed
 *   page     anything else changed, or what was broken works again */
void develop_listen(struct develop *develop, struct request *request);

/* develop_refresh: see gateway_refresh in messages.def; for dispatch. owner: the gateway. The reply
 * is borrowed until the next change. */
void develop_refresh(void *owner, const struct gateway_refresh *refresh,
                     struct gateway_refresh_reply *out_reply);

/* develop_add_script: to the end of the body of a page. */
void develop_add_script(struct develop *develop, struct arena *arena, struct buf *html);

#endif
