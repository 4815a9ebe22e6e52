/* Answers without an end. */
#include "tests/unit/http_world.h"

static void listen_in(struct client *client)
{
    client_open(client);
    ask(client, GET("/stream"), "\r\n\r\none,");
}

TEST("a stream has no length, goes on as long as its owner likes, and ends with its connection")
{
    struct client client;
    world_open(defaults());
    listen_in(&client);
    CHECK_INT(count_of(&client, "Content-Length"), 0);
    CHECK_INT(count_of(&client, "Connection: close\r\n"), 1);
    CHECK(http_exchange_send(world.held[0], STR("two,")));
    CHECK(http_exchange_send(world.held[0], STR("three")));
    AWAIT(ends_with(&client, "one,two,three"));
    CHECK_INT(world.done, 0);
    http_exchange_end(world.held[0]);
    CHECK_INT(world.done, 1);
    CHECK_INT(world.last_bytes, client.in.size);
    AWAIT(client.eof);
    client_close(&client);
    AWAIT(http_server_connection_count(world.server) == 0);
    world_close();
}

TEST("no timer ends a stream")
{
    struct client client;
    struct http_server_config config = defaults();
    config.timeouts = (struct http_timeouts){
        .head = 20, .body = 20, .body_rate = 1000000, .request = 20, .idle = 20, .write = 20};
    world_open(config);
    listen_in(&client);
    int64_t later = clock_ms() + 100;
    AWAIT(clock_ms() > later);
    CHECK(http_exchange_send(world.held[0], STR("two")));
    AWAIT(ends_with(&client, "one,two"));
    client_close(&client);
    world_close();
}

TEST("a listener that leaves is gone at once")
{
    struct client client;
    world_open(defaults());
    listen_in(&client);
    client_close(&client);
    AWAIT(world.done == 1);
    CHECK_INT(http_server_connection_count(world.server), 0);
    CHECK_INT(world.gone, 0); /* it had its answer */
    world_close();
}

TEST("a listener that does not keep up is closed, and little was kept for it")
{
    struct client client;
    world_open(defaults());
    client_open_with(&client, 4096);
    client_send(&client, STR(GET("/stream")));
    AWAIT(world.held_count == 1);
    struct str piece = str_make(world.big, 32768);
    int sent = 0;
    while (http_exchange_send(world.held[0], piece) && sent < 10000) {
        CHECK(world.server->kept <= HTTP_STREAM_MAX);
        sent++;
    }
    CHECK(sent < 10000);
    CHECK_INT(world.done, 1);
    CHECK_INT(world.server->kept, 0);
    client_close(&client);
    world_close();
}

TEST("what is sent to a stream that was ended, and whose client is slow, goes nowhere")
{
    struct client client;
    world_open(defaults());
    client_open_with(&client, 4096);
    client.paused = true;
    client_send(&client, STR(GET("/stream")));
    AWAIT(world.held_count == 1);
    int64_t kept = 0;
    while (kept == 0 && http_exchange_send(world.held[0], str_make(world.big, 32768)))
        kept = (int64_t)world.server->kept;
    CHECK(kept > 0);
    http_server_stop_accepting(world.server);
    CHECK_INT(world.done, 0);
    CHECK(!http_exchange_send(world.held[0], STR("more")));
    CHECK_INT(world.server->kept, kept);
    client_close(&client);
    AWAIT(world.done == 1);
    world_close();
}

TEST("HEAD of a stream is its head alone")
{
    struct client client;
    world_open(defaults());
    client_open(&client);
    ask(&client, "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n");
    AWAIT(world.done == 1 && client.eof);
    CHECK_INT(count_of(&client, "one,"), 0);
    client_close(&client);
    world_close();
}

TEST("a server that stops ends its streams")
{
    struct client client;
    world_open(defaults());
    listen_in(&client);
    http_server_stop_accepting(world.server);
    AWAIT(world.drained == 1);
    CHECK_INT(world.done, 1);
    CHECK(client.eof);
    client_close(&client);
    world_close();
}

TEST_MAIN
