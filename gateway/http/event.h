/* event: the one door to libevent's loop (event_base, plain events, timers). No bufferevent, no
 * evhttp: see ARCHITECTURE.md for the measurements behind that. */
#ifndef VOTE_HTTP_EVENT_H
#define VOTE_HTTP_EVENT_H

#include <event2/event.h>
#include <event2/event_struct.h>

#endif
