/* clients: how many connections each address has, for a limit. Pure; one thread.
 *
 * One client is one IPv4 address, or one /64 of IPv6: who has one address there has them all. */
#ifndef VOTE_HTTP_CLIENTS_H
#define VOTE_HTTP_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct http_clients;

struct http_client_key {
    uint8_t bytes[16]; /* all zero: not counted */
};

/* http_clients_new: at most `limit` connections of one address; 0: any number. An address in
 * `exempt` (texts, IPv4 or IPv6; what is none is passed over) is a proxy, behind which many clients
 * stand: it is not counted. Nothing is kept of exempt. */
struct http_clients *http_clients_new(size_t limit, const char *const *exempt, size_t exempt_count);
void http_clients_free(struct http_clients *clients);

/* http_clients_enter: one more of this peer's. False if it has as many as it may; else *out_key is
 * for http_clients_leave. */
bool http_clients_enter(struct http_clients *clients, const struct sockaddr *peer,
                        struct http_client_key *out_key);
void http_clients_leave(struct http_clients *clients, const struct http_client_key *key);

/* http_clients_count: addresses that have connections now. */
size_t http_clients_count(const struct http_clients *clients);

#endif
