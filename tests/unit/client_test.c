#include "gateway/client.h"
#include "tests/unit/test.h"

static const char *place(const char *text)
{
    static char out[CLIENT_TEXT];
    struct client client;
    return client_parse(str_from(text), &client) ? client_print(&client, out) : "none";
}

TEST("an IPv4 address is a place, an IPv6 one is its network of 64 bits")
{
    static const char *const rows[][2] = {
        {"192.0.2.1", "192.0.2.1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::ffff:c000:201", "192.0.2.1"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
        {"2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::"},
        {"2001:db8:1:3::1", "2001:db8:1:3::"},
        {"::1", "::"},
        {"fe80::1", "fe80::"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(str_from(place(rows[i][0])), rows[i][1]);
}

TEST("anything else is no address")
{
    static const char *const texts[] = {"",
                                        "x",
                                        "1.2.3",
                                        "1.2.3.4.5",
                                        "1.2.3.256",
                                        "1.2.3.4 ",
                                        " 1.2.3.4",
                                        "1.2.3.4:80",
                                        "[::1]",
                                        "::1%lo",
                                        "01.2.3.4x",
                                        "1.2.3.4, 5.6.7.8",
                                        "2001:db8::g",
                                        "1.2.3.4\r\n",
                                        "投票",
                                        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa"};
    struct client client;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(place(texts[i]), "none") != 0)
            TEST_FAIL("%s is %s", texts[i], place(texts[i]));
    CHECK(!client_parse(str_make("1.2.3.4\0", 8), &client));
}

/* "of a proxy": it named nobody. */
static const char *told(const char *peer, const char *first, const char *second)
{
    static char out[CLIENT_TEXT + 16];
    const char *trusted[] = {"127.0.0.1", "2001:db8::1"};
    struct config_list proxies = {.items = trusted, .count = 2};
    struct http_header headers[] = {{STR("X-Real-IP"), str_from(first)},
                                    {STR("x-real-ip"), str_from(second)}};
    struct http_request request = {.headers = headers,
                                   .header_count = (first != NULL) + (second != NULL)};
    struct client client;
    bool named = client_of(&proxies, peer, &request, &client);
    client_print(&client, out);
    return named ? out : strcat(out, " of a proxy");
}

TEST("a trusted proxy tells who its client is, however its own address is written")
{
    CHECK_STR(str_from(told("127.0.0.1", "192.0.2.9", NULL)), "192.0.2.9");
    CHECK_STR(str_from(told("::ffff:127.0.0.1", "192.0.2.9", NULL)), "192.0.2.9");
    CHECK_STR(str_from(told("2001:db8:0:0::1", "192.0.2.9", NULL)), "192.0.2.9");
    CHECK_STR(str_from(told("127.0.0.1", NULL, NULL)), "127.0.0.1 of a proxy");
}

TEST("nobody else's word is taken for it, not even from the proxy's network")
{
    CHECK_STR(str_from(told("127.0.0.2", "192.0.2.9", NULL)), "127.0.0.2");
    CHECK_STR(str_from(told("203.0.113.5", "127.0.0.1", NULL)), "203.0.113.5");
    CHECK_STR(str_from(told("2001:db8::2", "192.0.2.9", NULL)), "2001:db8::");
}

TEST("a proxy that says nonsense, or two things, says nothing")
{
    CHECK_STR(str_from(told("127.0.0.1", "unknown", NULL)), "127.0.0.1 of a proxy");
    CHECK_STR(str_from(told("127.0.0.1", "192.0.2.9, 192.0.2.8", NULL)), "127.0.0.1 of a proxy");
    CHECK_STR(str_from(told("127.0.0.1", "192.0.2.9", "192.0.2.8")), "127.0.0.1 of a proxy");
}

TEST("a peer without an address is a place too")
{
    CHECK_STR(str_from(told("-", "192.0.2.9", NULL)), "::");
}

TEST("addresses and localhost are local, names that somebody else may own are not")
{
    static const char *const local[] = {"127.0.0.1",     "127.0.0.1:9000", "[::1]",
                                        "[::1]:9000",    "localhost",      "LOCALHOST:9000",
                                        "192.0.2.1:8008"};
    static const char *const foreign[] = {"",
                                          ":",
                                          "[",
                                          "[]",
                                          "evil.test",
                                          "evil.test:1",
                                          "localhost.evil.test:9000",
                                          "127.0.0.1.evil.test",
                                          "[evil.test]",
                                          "::1"};
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        if (!client_host_is_local(str_from(local[i])))
            TEST_FAIL("%s", local[i]);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (client_host_is_local(str_from(foreign[i])))
            TEST_FAIL("%s", foreign[i]);
}

TEST_MAIN
