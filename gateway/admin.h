/* admin: the operators' address, apart from the site's: /metrics, /status.json, /healthz, /readyz.
 * It answers at once and asks no pool. Few connections at a time, each with little patience. */
#ifndef VOTE_GATEWAY_ADMIN_H
#define VOTE_GATEWAY_ADMIN_H

#include "gateway/gateway.h"

/* admin_listen: on gateway.admin_host and admin_port. NULL, and a line in out_error, if it cannot.
 */
struct http_server *admin_listen(struct gateway *gateway, char *out_error, size_t error_size);

/* admin_missing: names of the services that no pool serves (" db session"), empty if the gateway is
 * ready. In arena. */
const char *admin_missing(const struct gateway *gateway, struct arena *arena);

#endif
