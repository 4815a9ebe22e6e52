#include "gateway/http/clients.h"

#include "proto/base/die.h"
#include "proto/base/id.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 4096 };

struct client {
    struct client *next;
    struct http_client_key key;
    size_t connections;
};

struct http_clients {
    struct client *buckets[BUCKETS];
    size_t limit, count;
    uint64_t seed; /* so that nobody can aim at one bucket */
    struct http_client_key *exempt;
    size_t exempt_count;
};

static const struct http_client_key nobody;

static bool key_equal(const struct http_client_key *a, const struct http_client_key *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static struct http_client_key key_of_4(const struct in_addr *address)
{
    struct http_client_key key = {.bytes = {[10] = 0xff, [11] = 0xff}};
    memcpy(key.bytes + 12, address, 4);
    return key;
}

static struct http_client_key key_of_6(const struct in6_addr *address)
{
    struct http_client_key key;
    memcpy(key.bytes, address, 16);
    return key;
}

/* The key all addresses of one client share. */
static struct http_client_key key_shared(struct http_client_key key)
{
    if (!IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)key.bytes)) {
        memset(key.bytes + 8, 0, 8);
        key.bytes[15] = 1; /* ::/64 is somebody, too */
    }
    return key;
}

static bool key_of_text(const char *text, struct http_client_key *out)
{
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, text, &four) == 1)
        *out = key_of_4(&four);
    else if (inet_pton(AF_INET6, text, &six) == 1)
        *out = key_of_6(&six);
    else
        return false;
    return true;
}

struct http_clients *http_clients_new(size_t limit, const char *const *exempt, size_t exempt_count)
{
    struct http_clients *clients = calloc(1, sizeof *clients);
    if (!clients || !(clients->exempt = calloc(exempt_count + 1, sizeof *clients->exempt)))
        die("out of memory");
    clients->limit = limit;
    random_bytes(&clients->seed, sizeof clients->seed);
    for (size_t i = 0; i < exempt_count; i++)
        clients->exempt_count += key_of_text(exempt[i], &clients->exempt[clients->exempt_count]);
    return clients;
}

void http_clients_free(struct http_clients *clients)
{
    if (!clients)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (clients->buckets[i]) {
            struct client *client = clients->buckets[i];
            clients->buckets[i] = client->next;
            free(client);
        }
    free(clients->exempt);
    free(clients);
}

static struct client **bucket_of(struct http_clients *clients, const struct http_client_key *key)
{
    uint64_t halves[2];
    memcpy(halves, key->bytes, sizeof halves);
    uint64_t hash = (halves[0] ^ clients->seed) * 0x9e3779b97f4a7c15u;
    hash = (hash ^ hash >> 32 ^ halves[1]) * 0x9e3779b97f4a7c15u;
    return &clients->buckets[hash >> 40 & (BUCKETS - 1)];
}

static bool is_exempt(const struct http_clients *clients, const struct http_client_key *key)
{
    for (size_t i = 0; i < clients->exempt_count; i++)
        if (key_equal(&clients->exempt[i], key))
            return true;
    return false;
}

bool http_clients_enter(struct http_clients *clients, const struct sockaddr *peer,
                        struct http_client_key *out_key)
{
    *out_key = nobody;
    if (clients->limit == 0)
        return true;
    struct http_client_key key = peer->sa_family == AF_INET6
                                     ? key_of_6(&((const struct sockaddr_in6 *)peer)->sin6_addr)
                                     : key_of_4(&((const struct sockaddr_in *)peer)->sin_addr);
    if (is_exempt(clients, &key))
        return true;
    key = key_shared(key);
    struct client **bucket = bucket_of(clients, &key), *client = *bucket;
    while (client && !key_equal(&client->key, &key))
        client = client->next;
    if (!client) {
        client = calloc(1, sizeof *client);
        if (!client)
            die("out of memory");
        client->key = key;
        client->next = *bucket;
        *bucket = client;
        clients->count++;
    }
    if (client->connections >= clients->limit)
        return false;
    client->connections++;
    *out_key = key;
    return true;
}

void http_clients_leave(struct http_clients *clients, const struct http_client_key *key)
{
    if (key_equal(key, &nobody))
        return;
    struct client **link = bucket_of(clients, key);
    while (!key_equal(&(*link)->key, key))
        link = &(*link)->next;
    struct client *client = *link;
    if (--client->connections > 0)
        return;
    *link = client->next;
    clients->count--;
    free(client);
}

size_t http_clients_count(const struct http_clients *clients)
{
    return clients->count;
}
