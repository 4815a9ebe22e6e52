#include "gateway/client.h"

#include <arpa/inet.h>

enum { NETWORK = 8 }; /* bytes of an IPv6 address that name a place */

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

/* All of it, with IPv4 as a part of IPv6 (RFC 4291 section 2.5.5.2). */
static bool parse_whole(struct str text, uint8_t out[16])
{
    char copy[CLIENT_TEXT];
    if (text.size == 0 || text.size >= sizeof copy || memchr(text.data, 0, text.size))
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    memcpy(out, mapped, sizeof mapped);
    return inet_pton(AF_INET, copy, out + sizeof mapped) == 1 ||
           inet_pton(AF_INET6, copy, out) == 1;
}

static bool is_ipv4(const uint8_t bytes[16])
{
    return memcmp(bytes, mapped, sizeof mapped) == 0;
}

bool client_parse(struct str text, struct client *out)
{
    struct client client;
    if (!parse_whole(text, client.bytes))
        return false;
    if (!is_ipv4(client.bytes))
        memset(client.bytes + NETWORK, 0, sizeof client.bytes - NETWORK);
    *out = client;
    return true;
}

char *client_print(const struct client *client, char out[CLIENT_TEXT])
{
    bool v4 = is_ipv4(client->bytes);
    if (!inet_ntop(v4 ? AF_INET : AF_INET6, client->bytes + (v4 ? sizeof mapped : 0), out,
                   CLIENT_TEXT))
        out[0] = '\0'; /* it never does not fit */
    return out;
}

bool client_is_proxy(const struct config_list *proxies, const char *peer)
{
    uint8_t address[16], proxy[16];
    if (!parse_whole(str_from(peer), address))
        return false;
    for (uint32_t i = 0; i < proxies->count; i++)
        if (parse_whole(str_from(proxies->items[i]), proxy) &&
            memcmp(proxy, address, sizeof proxy) == 0)
            return true;
    return false;
}

bool client_is_among(const struct config_list *addresses, const struct client *client)
{
    struct client one;
    for (uint32_t i = 0; i < addresses->count; i++)
        if (client_parse(str_from(addresses->items[i]), &one) &&
            memcmp(one.bytes, client->bytes, sizeof one.bytes) == 0)
            return true;
    return false;
}

bool client_of(const struct config_list *proxies, const char *peer,
               const struct http_request *request, struct client *out)
{
    struct str told;
    bool is_proxy = client_is_proxy(proxies, peer);
    if (is_proxy && http_header_count(request, "X-Real-IP", &told) == 1 && client_parse(told, out))
        return true;
    *out = (struct client){0};
    client_parse(str_from(peer), out);
    return !is_proxy;
}

bool client_host_is_local(struct str host)
{
    struct client address;
    struct str name = host;
    bool is_ipv6 = str_starts(host, STR("["));
    str_cut(&host, is_ipv6 ? ']' : ':', &name);
    if (is_ipv6)
        return client_parse(str_make(name.data + 1, name.size - 1), &address);
    return str_equal_nocase(name, STR("localhost")) || client_parse(name, &address);
}
