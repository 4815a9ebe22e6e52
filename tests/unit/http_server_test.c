/* What goes over one connection, byte by byte. */
#include "tests/unit/http_world.h"

TEST("a connection serves one request after the other and remembers nothing between")
{
    struct client client;
    world_open(defaults());
    client_open(&client);
    ask(&client, GET("/a"), "\r\n\r\n/a");
    CHECK(str_starts(buf_str(&client.in), STR("HTTP/1.1 200 OK\r\nDate: ")));
    CHECK_INT(world.last_bytes, client.in.size);
    ask(&client, GET("/b"), "\r\n\r\n/b");
    CHECK_INT(world.done, 2);
    CHECK_INT(world.last_status, 200);
    const struct http_connection *connection = world.server->connections;
    CHECK(sizeof *connection <= 1024);
    CHECK(!connection->exchange && !connection->input.data && !connection->output.bytes.data);
    CHECK_STR(str_from(connection->client), "127.0.0.1");
    client_close(&client);
    AWAIT(http_server_connection_count(world.server) == 0);
    CHECK_INT(world.done, 2);
    CHECK_INT(world.gone, 0);
    world_close();
}

TEST("pipelined requests are answered in order, those behind a slow one after it")
{
    struct client client;
    world_open(defaults());
    client_open(&client);
    client_send(&client, STR(GET("/1") GET("/later2") GET("/3") GET("/later4") GET("/5")));
    AWAIT(world.held_count == 1 && ends_with(&client, "/1"));
    CHECK_INT(world.requests, 2);
    answer_path(world.held[0]);
    CHECK_INT(world.requests, 2); /* the next is never asked inside an answer */
    AWAIT(world.held_count == 2 && ends_with(&client, "/3"));
    answer_path(world.held[1]);
    AWAIT(ends_with(&client, "/5"));
    const char *at = client.in.data;
    buf_add_char(&client.in, '\0');
    static const char *const order[] = {"\n/1", "\n/later2", "\n/3", "\n/later4", "\n/5"};
    for (int i = 0; i < 5; i++) {
        at = strstr(at, order[i]);
        CHECK(at);
    }
    client_close(&client);
    world_close();
}

TEST("thousands of pipelined requests use no more stack than one")
{
    struct client client;
    struct buf many = {0};
    world_open(defaults());
    client_open(&client);
    for (int i = 0; i < 5000; i++)
        buf_add_str(&many, STR(GET("/x")));
    client_send(&client, buf_str(&many));
    AWAIT(world.done == 5000);
    AWAIT(count_of(&client, "\r\n\r\n/x") == 5000);
    CHECK(world.highest_frame - world.lowest_frame < 1024);
    buf_free(&many);
    client_close(&client);
    world_close();
}

TEST("what waits behind a request in progress is bounded, and none of it is lost")
{
    struct client client;
    struct buf many = {0};
    world_open(defaults());
    client_open(&client);
    client_send(&client, STR(GET("/later")));
    AWAIT(world.held_count == 1);
    for (int i = 0; i < 4000; i++)
        buf_add_str(&many, STR(GET("/x")));
    size_t sent = 0;
    int64_t quiet = clock_ms();
    while (clock_ms() - quiet < 50 && sent < many.size) {
        ssize_t n = send(client.fd, many.data + sent, many.size - sent, MSG_NOSIGNAL);
        if (n > 0) {
            sent += (size_t)n;
            quiet = clock_ms();
        }
        event_base_loop(world.base, EVLOOP_ONCE);
        CHECK(world.server->connections->input.size <= HTTP_INPUT_MAX);
    }
    AWAIT(world.server->connections->input.size == HTTP_INPUT_MAX);
    CHECK(!world.server->connections->reading);
    CHECK_INT(world.requests, 1);
    answer_path(world.held[0]);
    client_send(&client, str_make(many.data + sent, many.size - sent));
    AWAIT(count_of(&client, "\r\n\r\n/x") == 4000);
    buf_free(&many);
    client_close(&client);
    world_close();
}

TEST("a client that says no more still gets its answers, then the end")
{
    struct client client;
    world_open(defaults());
    client_open(&client);
    client_send(&client, STR(GET("/later1") GET("/2")));
    shutdown(client.fd, SHUT_WR);
    AWAIT(world.held_count == 1 && world.server->connections->eof);
    CHECK_INT(world.gone, 0);
    answer_path(world.held[0]);
    AWAIT(client.eof);
    CHECK(ends_with(&client, "\r\n\r\n/2"));
    CHECK_INT(count_of(&client, "\r\n\r\n/later1"), 1);
    AWAIT(http_server_connection_count(world.server) == 0);
    client_close(&client);
    world_close();
}

TEST("a client that ends in the middle of a request is let go without a word")
{
    struct client client;
    world_open(defaults());
    client_open(&client);
    client_send(&client, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"));
    shutdown(client.fd, SHUT_WR);
    AWAIT(client.eof);
    CHECK_INT(client.in.size, 0);
    CHECK_INT(world.requests + world.errors + world.done, 0);
    client_close(&client);
    world_close();
}

TEST("a client that resets the connection is known to be gone before the answer")
{
    struct client client;
    world_open(defaults());
    client_open(&client);
    client_send(&client, STR(GET("/later")));
    AWAIT(world.held_count == 1);
    setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
               sizeof(struct linger));
    client_close(&client);
    AWAIT(world.gone == 1);
    CHECK_INT(world.done, 1);
    CHECK_INT(world.last_status, HTTP_STATUS_GONE);
    CHECK_INT(http_server_connection_count(world.server), 0);
    world_close();
}

TEST("a client that waits for 100 gets it once, before its body")
{
    struct client client;
    world_open(defaults());
    client_open(&client);
    client_send(&client, STR(POST_100 "Content-Length: 5\r\n\r\n"));
    AWAIT(ends_with(&client, "HTTP/1.1 100 Continue\r\n\r\n"));
    ask(&client, "hello", "\r\n\r\nhello");
    CHECK_INT(count_of(&client, "HTTP/1.1 "), 2);
    buf_reset(&client.in);
    ask(&client, POST_100 "Content-Length: 2\r\n\r\nab", "\r\n\r\nab");
    client_send(&client, STR(POST_100 "Content-Length: 2\r\n\r\nc"));
    AWAIT(world.server->connections->phase == PHASE_BODY);
    ask(&client, "d", "\r\n\r\ncd");
    CHECK_INT(count_of(&client, "100 Continue"), 0); /* its body was coming already */
    client_close(&client);
    world_close();
}

TEST("a body that will not be taken is refused instead of asked for")
{
    static const struct {
        const char *request, *status;
    } rows[] = {
        {POST_100 "Content-Length: 2000000\r\n\r\n", "HTTP/1.1 413 "},
        {"POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n", "HTTP/1.1 417 "},
    };
    world_open(defaults());
    for (int i = 0; i < 2; i++) {
        struct client client;
        client_open(&client);
        client_send(&client, str_from(rows[i].request));
        AWAIT(client.eof);
        CHECK(str_starts(buf_str(&client.in), str_from(rows[i].status)));
        CHECK_INT(count_of(&client, "100 Continue"), 0);
        CHECK_INT(count_of(&client, "\r\nConnection: close\r\n"), 1);
        client_close(&client);
    }
    CHECK_INT(world.errors, 2);
    CHECK_INT(world.done, 2);
    world_close();
}

TEST("HEAD is answered as GET, without the body")
{
    struct client client;
    world_open(defaults());
    world_file();
    client_open(&client);
    ask(&client, GET("/first"), "/first");
    int free_fd = dup(client.fd);
    close(free_fd);
    client_send(&client, STR("HEAD /abc HTTP/1.1\r\nHost: a\r\n\r\n"
                             "HEAD /file HTTP/1.1\r\nHost: a\r\n\r\n" GET("/end")));
    AWAIT(ends_with(&client, "\r\n\r\n/end"));
    CHECK_INT(count_of(&client, "Content-Length: 4\r\n"), 2);
    CHECK_INT(count_of(&client, "Content-Length: 3145727\r\n"), 1);
    CHECK_INT(count_of(&client, "/abc"), 0);
    CHECK(client.in.size < 1000);
    CHECK_INT(dup(client.fd), free_fd); /* the file it did not send is closed */
    close(free_fd);
    client_close(&client);
    world_close();
}

TEST("HTTP/1.0 ends with its answer unless it asks to go on")
{
    struct client client;
    world_open(defaults());
    client_open(&client);
    ask(&client, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "\r\n\r\n/a");
    CHECK_INT(count_of(&client, "\r\nConnection: keep-alive\r\n"), 1);
    client_send(&client, STR("GET /b HTTP/1.0\r\n\r\n" GET("/never")));
    AWAIT(client.eof);
    CHECK(ends_with(&client, "\r\n\r\n/b"));
    CHECK_INT(count_of(&client, "\r\nConnection: close\r\n"), 1);
    CHECK_INT(world.requests, 2);
    client_close(&client);
    world_close();
}

TEST("after a framing error one answer goes out, what follows is drained and never served")
{
    struct client client;
    struct buf junk = {0};
    world_open(defaults());
    client_open(&client);
    buf_add_str(&junk, STR(GET("/a") "GET / HTTP/1.1\nHost: a\r\n\r\n"));
    for (int i = 0; i < 5000; i++)
        buf_add_str(&junk, STR(GET("/smuggled")));
    client_send(&client, buf_str(&junk));
    AWAIT(client.eof || client.reset);
    CHECK(client.eof);
    CHECK_INT(count_of(&client, "HTTP/1.1 "), 2);
    CHECK(ends_with(&client, "\r\n\r\n400: Bad Request"));
    CHECK_INT(world.requests, 1);
    client_close(&client);
    AWAIT(http_server_connection_count(world.server) == 0);
    buf_free(&junk);
    world_close();
}

TEST("an error inside a chunked body ends the connection, too")
{
    struct client client;
    world_open(defaults());
    client_open(&client);
    client_send(&client, STR("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "1\r\nab\r\n" GET("/smuggled")));
    AWAIT(client.eof);
    CHECK_INT(count_of(&client, "HTTP/1.1 "), 1);
    CHECK_INT(count_of(&client, "HTTP/1.1 400 Bad Request\r\n"), 1);
    CHECK_INT(count_of(&client, "\r\nConnection: close\r\n"), 1);
    CHECK_INT(world.requests, 0);
    client_close(&client);
    world_close();
}

TEST("the handler may render an error itself")
{
    struct client client;
    world_open(defaults());
    world.own_errors = true;
    client_open(&client);
    client_send(&client, STR("BREW / HTTP/1.1\r\nHost: a\r\n\r\n"));
    AWAIT(client.eof);
    CHECK(str_starts(buf_str(&client.in), STR("HTTP/1.1 501 Not Implemented\r\n")));
    CHECK(ends_with(&client, "\r\n\r\nours"));
    CHECK_INT(world.last_status, 501);
    client_close(&client);
    world_close();
}

TEST("a large body and a large file arrive whole, also at a reader with a small window")
{
    static const char *const paths[] = {GET("/big") GET("/end"), GET("/file") GET("/end")};
    world_open(defaults());
    world_file();
    for (int i = 0; i < 4; i++) {
        struct client client;
        size_t from = i & 1; /* the file is sent from its second byte */
        client_open_with(&client, i < 2 ? 0 : 4096);
        client_send(&client, str_from(paths[i & 1]));
        event_add(client.readable, NULL);
        AWAIT(client.in.size > BIG && ends_with(&client, "\r\n\r\n/end"));
        const char *body = memmem(client.in.data, client.in.size, "\r\n\r\n", 4);
        CHECK(memcmp(body + 4, world.big + from, BIG - from) == 0);
        CHECK(str_starts(str_make(body + 4 + BIG - from, 9), STR("HTTP/1.1 ")));
        client_close(&client);
    }
    world_close();
}

TEST_MAIN
