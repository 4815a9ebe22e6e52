/* client: where a request comes from, as the rules that count addresses see it. Pure. */
#ifndef VOTE_GATEWAY_CLIENT_H
#define VOTE_GATEWAY_CLIENT_H

#include "gateway/http/request.h"
#include "proto/config/config.h"

/* A place: an IPv4 address (as ::ffff:a.b.c.d), or the first 64 bits of an IPv6 one, for a host
 * gets to choose the others (RFC 4291 section 2.5.4, RFC 8981). All zero: none. */
struct client {
    uint8_t bytes[16];
};

enum { CLIENT_TEXT = 46 }; /* INET6_ADDRSTRLEN */

/* client_parse: an address as text. False if it is none. */
bool client_parse(struct str text, struct client *out);

/* client_print: "192.0.2.1", "2001:db8:1:2::"; returns out. */
char *client_print(const struct client *client, char out[CLIENT_TEXT]);

/* client_is_proxy: is this peer one of the configured ones, however its address is written? */
bool client_is_proxy(const struct config_list *proxies, const char *peer);

/* client_is_among: is it one of these addresses? */
bool client_is_among(const struct config_list *addresses, const struct client *client);

/* client_of: X-Real-IP, if the peer is a proxy we trust and sent exactly one that is an address;
 * else the peer. Anybody else's X-Real-IP is a claim, and ignored. False if it is a proxy that
 * named nobody: *out is its own address then, and stands for all who came by it. */
bool client_of(const struct config_list *proxies, const char *peer,
               const struct http_request *request, struct client *out);

/* client_host_is_local: is this host[:port] an address or localhost? Any other name may be made to
 * lead here by who owns it (DNS rebinding), and then a page of theirs is of our origin. */
bool client_host_is_local(struct str host);

#endif
