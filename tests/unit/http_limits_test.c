/* Clients that are slow, stuck, or too many; and the server's own end. */
#include "tests/unit/http_world.h"

#include <sys/resource.h>
#include <sys/wait.h>

static struct http_server_config impatient(void)
{
    struct http_server_config config = HTTP_SERVER_CONFIG_DEFAULT;
    config.timeouts = (struct http_timeouts){
        .head = 40, .body = 40, .body_rate = 1024, .idle = 40, .write = 40, .linger = 40};
    return config;
}

TEST("a head or a body that comes too slowly is told so and closed")
{
    static const char *const slow[] = {"G", GET("/a") "GET / HTT",
                                       "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"};
    world_open(impatient());
    for (int i = 0; i < 3; i++) {
        struct client client;
        client_open(&client);
        client_send(&client, str_from(slow[i]));
        AWAIT(client.eof);
        CHECK_INT(count_of(&client, "HTTP/1.1 408 Request Timeout\r\n"), 1);
        CHECK_INT(world.last_status, 408);
        client_close(&client);
    }
    CHECK_INT(world.errors, 3);
    world_close();
}

TEST("a head that drips has no more time than one that stands still")
{
    struct client client;
    world_open(impatient());
    client_open(&client);
    int64_t start = clock_ms(), last = start;
    client_send(&client, STR("GET / HTTP/1.1\r\nX: "));
    while (!client.eof && clock_ms() - start < DEADLINE_MS) {
        if (clock_ms() > last)
            send(client.fd, "y", 1, MSG_NOSIGNAL);
        last = clock_ms();
        event_base_loop(world.base, EVLOOP_ONCE);
    }
    CHECK_INT(count_of(&client, "HTTP/1.1 408 "), 1);
    client_close(&client);
    world_close();
}

TEST("the bytes of a body earn it more time")
{
    struct client client;
    struct http_server_config config = impatient();
    config.timeouts.body_rate = 100;
    world_open(config);
    client_open(&client);
    client_send(&client, STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n"));
    client_send(&client, str_make(world.big, 100));
    int64_t start = clock_ms();
    AWAIT(clock_ms() - start > 150 || client.eof);
    CHECK_INT(world.errors, 0);
    ask(&client, "x", "x");
    CHECK_INT(world.last_status, 200);
    client_close(&client);
    world_close();
}

TEST("a connection without a request is closed without a word, before the first and after one")
{
    struct client fresh, used;
    world_open(impatient());
    client_open(&fresh);
    client_open(&used);
    ask(&used, GET("/a"), "\r\n\r\n/a");
    client_send(&used, STR("\r\n")); /* some clients end a body so */
    AWAIT(fresh.eof && used.eof);
    CHECK_INT(fresh.in.size, 0);
    CHECK_INT(count_of(&used, "HTTP/1.1 "), 1);
    CHECK_INT(world.errors, 0);
    client_close(&fresh);
    client_close(&used);
    world_close();
}

TEST("a request that the handler keeps has no timer of the connection's")
{
    struct client client;
    world_open(impatient());
    client_open(&client);
    client_send(&client, STR(GET("/later")));
    AWAIT(world.held_count == 1);
    int64_t start = clock_ms();
    AWAIT(clock_ms() - start > 100);
    CHECK_INT(http_server_connection_count(world.server), 1);
    answer_path(world.held[0]);
    AWAIT(ends_with(&client, "/later"));
    client_close(&client);
    world_close();
}

TEST("a client that takes nothing is closed, and the log is told how much it got")
{
    struct client client;
    world_open(impatient());
    client_open_with(&client, 4096);
    client_send(&client, STR(GET("/big")));
    AWAIT(world.done == 1);
    CHECK_INT(world.last_status, 200);
    CHECK(world.last_bytes > 0 && world.last_bytes < (int64_t)BIG);
    CHECK_INT(world.gone, 0);
    client_close(&client);
    world_close();
}

TEST("a client that takes its answer slowly but surely gets all of it")
{
    struct client client;
    size_t got = 0;
    struct http_server_config config = impatient();
    config.timeouts.write = 100;
    world_open(config);
    client_open_with(&client, 131072);
    AWAIT(world.server->connections);
    CHECK_INT(setsockopt(world.server->connections->fd, SOL_SOCKET, SO_SNDBUF, &(int){131072},
                         sizeof(int)),
              0);
    client_send(&client, STR(GET("/big")));
    int64_t start = clock_ms();
    while (got < BIG) {
        char piece[16384];
        CHECK(clock_ms() - start < 2 * DEADLINE_MS);
        event_base_loop(world.base, EVLOOP_ONCE);
        ssize_t n = recv(client.fd, piece, sizeof piece, MSG_DONTWAIT);
        CHECK(n > 0 || (n < 0 && errno == EAGAIN));
        got += n > 0 ? (size_t)n : 0;
    }
    CHECK(clock_ms() - start > 200); /* longer than a stall may last */
    client_close(&client);
    world_close();
}

TEST("a file that shrinks while it is sent ends the connection")
{
    struct client client;
    world_open(defaults());
    world_file();
    CHECK_INT(ftruncate(world.file, BIG / 2), 0);
    client_open(&client);
    client_send(&client, STR(GET("/file") GET("/end")));
    AWAIT(client.eof || client.reset);
    CHECK(client.in.size < BIG / 2 + 1000);
    CHECK_INT(world.requests, 1);
    client_close(&client);
    world_close();
}

TEST("after the last answer a client is listened to for a while and a while only")
{
    struct client quiet, loud;
    world_open(impatient());
    client_open(&quiet);
    client_send(&quiet, STR("GET / HTTP/1.0\r\n\r\n"));
    AWAIT(quiet.eof && world.server->connections->phase == PHASE_LINGER);
    AWAIT(http_server_connection_count(world.server) == 0);
    client_close(&quiet);
    world_close();

    world_open(defaults());
    client_open(&loud);
    client_send(&loud, STR("nonsense\r\n"));
    AWAIT(loud.eof && world.server->connections->phase == PHASE_LINGER);
    client_send(&loud, str_make(world.big, HTTP_DRAIN_MAX));
    AWAIT(world.server->connections->drained == HTTP_DRAIN_MAX);
    CHECK_INT(http_server_connection_count(world.server), 1);
    client_send(&loud, STR("x"));
    AWAIT(http_server_connection_count(world.server) == 0);
    client_close(&loud);
    world_close();
}

TEST("one connection too many is told so")
{
    struct client first, second;
    struct http_server_config config = defaults();
    config.max_connections = 1;
    world_open(config);
    client_open(&first);
    AWAIT(http_server_connection_count(world.server) == 1);
    client_open(&second);
    AWAIT(second.eof);
    CHECK(str_starts(buf_str(&second.in), STR("HTTP/1.1 503 Service Unavailable\r\n")));
    CHECK(ends_with(&second, "\r\n\r\n503: Service Unavailable"));
    ask(&first, GET("/a"), "\r\n\r\n/a");
    client_close(&first);
    client_close(&second);
    world_close();
}

/* In a process of its own, for the limit is a process's. */
static void in_child(void (*scene)(void))
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        int failed = setjmp(test_out);
        if (!failed)
            scene();
        fflush(stdout);
        _exit(failed);
    }
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
}

static void run_out_of_descriptors(void)
{
    struct client served, refused, waiting;
    struct rlimit limit, none;
    world_open(defaults());
    client_open(&served);
    AWAIT(http_server_connection_count(world.server) == 1);
    client_open(&refused);
    client_open(&waiting);
    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = (rlim_t)waiting.fd + 1;
    setrlimit(RLIMIT_NOFILE, &none);
    AWAIT(event_pending(&world.server->unpause, EV_TIMEOUT, NULL));
    CHECK(!event_pending(&world.server->acceptable, EV_READ, NULL));
    AWAIT(refused.eof);
    CHECK_INT(count_of(&refused, "HTTP/1.1 503 "), 1);
    CHECK_INT(waiting.in.size, 0);
    CHECK(world.server->reserve >= 0);
    ask(&served, GET("/a"), "\r\n\r\n/a");
    setrlimit(RLIMIT_NOFILE, &limit);
    ask(&waiting, GET("/b"), "\r\n\r\n/b");
    CHECK(world.server->reserve >= 0);
    client_close(&served);
    client_close(&refused);
    client_close(&waiting);
    world_close();
}

TEST("out of descriptors, one client is told so, the listener rests, and goes on")
{
    in_child(run_out_of_descriptors);
}

TEST("a request that takes too long as a whole is 408, however its parts earn their time")
{
    struct client client;
    struct http_server_config config = impatient();
    config.timeouts.head = config.timeouts.body = 100 * DEADLINE_MS;
    config.timeouts.request = 50;
    world_open(config);
    client_open(&client);
    client_send(&client, STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"));
    AWAIT(world.server->connections && world.server->connections->phase == PHASE_BODY);
    client_send(&client, STR("x"));
    AWAIT(client.eof);
    CHECK_INT(count_of(&client, "HTTP/1.1 408 "), 1);
    client_close(&client);
    client_open(&client);
    client_send(&client, STR("GET / HTTP/1.1\r\nHost: a\r\n"));
    AWAIT(client.eof);
    CHECK_INT(count_of(&client, "HTTP/1.1 408 "), 1);
    client_close(&client);
    world_close();
}

TEST("an answer that is taken too slowly as a whole is cut off, though it never stalls")
{
    struct client client;
    struct http_server_config config = impatient();
    config.timeouts.write = 100 * DEADLINE_MS;
    config.timeouts.request = 50;
    config.timeouts.body_rate = 1 << 30;
    world_open(config);
    client_open_with(&client, 4096);
    client_send(&client, STR(GET("/big")));
    AWAIT(world.done == 1);
    CHECK(world.last_bytes < (int64_t)BIG);
    client_close(&client);
    world_close();
}

TEST("bytes taken earn the client of a long answer its time")
{
    struct client client;
    struct http_server_config config = impatient();
    config.timeouts.write = 100 * DEADLINE_MS;
    config.timeouts.request = 1;
    config.timeouts.body_rate = 1;
    world_open(config);
    client_open_with(&client, 131072);
    AWAIT(world.server->connections);
    CHECK_INT(setsockopt(world.server->connections->fd, SOL_SOCKET, SO_SNDBUF, &(int){131072},
                         sizeof(int)),
              0);
    client_send(&client, STR(GET("/big")));
    AWAIT(world.server->connections->phase == PHASE_WRITE);
    int64_t start = clock_ms();
    AWAIT(clock_ms() - start > 20);
    event_add(client.readable, NULL);
    AWAIT(client.in.size > BIG);
    CHECK_INT(world.last_status, 200);
    client_close(&client);
    world_close();
}

TEST("one connection too many of one address is told so, and leaves room when it goes")
{
    struct client clients[3];
    struct http_server_config config = defaults();
    config.max_per_client = 2;
    world_open(config);
    for (int i = 0; i < 3; i++) {
        client_open(&clients[i]);
        AWAIT(http_server_connection_count(world.server) == 2 || i == 0);
    }
    AWAIT(clients[2].eof);
    CHECK_INT(count_of(&clients[2], "HTTP/1.1 503 "), 1);
    CHECK_INT(http_clients_count(world.server->clients), 1);
    client_close(&clients[0]);
    AWAIT(http_server_connection_count(world.server) == 1);
    client_close(&clients[2]);
    client_open(&clients[2]);
    ask(&clients[2], GET("/a"), "\r\n\r\n/a");
    client_close(&clients[1]);
    client_close(&clients[2]);
    AWAIT(http_server_connection_count(world.server) == 0);
    CHECK_INT(http_clients_count(world.server->clients), 0);
    world_close();
}

TEST("a proxy may have any number of connections")
{
    static const char *const proxies[] = {"no address", "127.0.0.1"};
    struct client clients[3];
    struct http_server_config config = defaults();
    config.max_per_client = 1;
    config.proxies = proxies;
    config.proxy_count = 2;
    world_open(config);
    for (int i = 0; i < 3; i++) {
        client_open(&clients[i]);
        ask(&clients[i], GET("/a"), "\r\n\r\n/a");
    }
    for (int i = 0; i < 3; i++)
        client_close(&clients[i]);
    world_close();
}

TEST("when too much waits for slow clients, one more of them is closed")
{
    struct client first, second;
    world_open(defaults());
    client_open_with(&first, 4096);
    client_send(&first, STR(GET("/big")));
    AWAIT(world.server->kept > 0);
    size_t kept = world.server->kept;
    world.server->config.output_max = kept + 1000;
    client_open_with(&second, 4096);
    client_send(&second, STR(GET("/big")));
    AWAIT(world.done == 1);
    CHECK_INT(world.requests, 2);
    CHECK(world.server->kept > 0 && world.server->kept <= kept);
    CHECK_INT(http_server_connection_count(world.server), 1);
    client_close(&first);
    AWAIT(http_server_connection_count(world.server) == 0);
    CHECK_INT(world.server->kept, 0);
    client_close(&second);
    world_close();
}

TEST("the server names itself if it is told how, and not otherwise")
{
    struct client client;
    struct http_server_config config = defaults();
    world_open(config);
    client_open(&client);
    ask(&client, GET("/a"), "\r\n\r\n/a");
    CHECK_INT(count_of(&client, "Server:"), 0);
    client_close(&client);
    world_close();
    config.server_header = "vote";
    world_open(config);
    client_open(&client);
    ask(&client, GET("/a"), "\r\n\r\n/a");
    CHECK_INT(count_of(&client, "\r\nServer: vote\r\n"), 1);
    client_close(&client);
    world_close();
}

static void enter(struct http_clients *clients, const char *address, bool expected,
                  struct http_client_key *out_key)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET};
    bool is_four = inet_pton(AF_INET, address, &four.sin_addr) == 1;
    CHECK(is_four || inet_pton(AF_INET6, address, &six.sin6_addr) == 1);
    bool entered = http_clients_enter(
        clients, is_four ? (struct sockaddr *)&four : (struct sockaddr *)&six, out_key);
    if (entered != expected)
        TEST_FAIL("%s: %d", address, entered);
}

TEST("a client is an IPv4 address, however it is written, or a /64 of IPv6")
{
    static const char *const exempt[] = {"2001:db8::5"};
    struct http_clients *clients = http_clients_new(1, exempt, 1);
    struct http_client_key key, other;
    enter(clients, "192.0.2.1", true, &key);
    enter(clients, "::ffff:192.0.2.1", false, &other);
    enter(clients, "192.0.2.2", true, &other);
    http_clients_leave(clients, &key);
    enter(clients, "::ffff:192.0.2.1", true, &key);
    enter(clients, "2001:db8::1", true, &key);
    enter(clients, "2001:db8::ffff:2", false, &other);
    enter(clients, "2001:db8::5", true, &other);
    enter(clients, "2001:db8::5", true, &other);
    enter(clients, "2001:db8:0:1::1", true, &other);
    enter(clients, "::", true, &other);
    enter(clients, "::", false, &other);
    CHECK_INT(http_clients_count(clients), 5);
    http_clients_free(clients);
}

TEST("stopping serves what has come or is on its way, ends what runs, closes what idles")
{
    struct client idle, busy, sent, connected, late;
    world_open(defaults());
    client_open(&idle);
    client_open(&late);
    ask(&late, GET("/a"), "\r\n\r\n/a");
    client_open(&busy);
    client_open(&connected);
    ask(&idle, GET("/a"), "\r\n\r\n/a");
    client_send(&busy, STR(GET("/later")));
    AWAIT(world.held_count == 1);
    AWAIT(http_server_connection_count(world.server) == 4);
    client_open(&sent); /* in the backlog yet, its request in the socket */
    client_send(&sent, STR(GET("/sent")));
    http_server_stop_accepting(world.server);
    client_send(&late, STR(GET("/late")));
    AWAIT(idle.eof && sent.eof && connected.eof && late.eof);
    CHECK(ends_with(&late, "\r\n\r\n/late"));
    CHECK_INT(count_of(&late, "\r\nConnection: close\r\n"), 1);
    CHECK(ends_with(&sent, "\r\n\r\n/sent"));
    CHECK_INT(count_of(&sent, "\r\nConnection: close\r\n"), 1);
    CHECK_INT(count_of(&idle, "HTTP/1.1 "), 1);
    CHECK_INT(world.drained, 0);
    answer_path(world.held[0]);
    AWAIT(busy.eof);
    CHECK_INT(count_of(&busy, "\r\nConnection: close\r\n"), 1);
    client_close(&busy);
    client_close(&sent);
    client_close(&late);
    AWAIT(world.drained == 1);
    http_server_stop_accepting(world.server);
    client_close(&idle);
    client_close(&connected);
    world_close();
}

TEST("a server without connections is drained at once")
{
    world_open(defaults());
    http_server_stop_accepting(world.server);
    AWAIT(world.drained == 1);
    world_close();
}

TEST("freeing the server tells the handler about every request it still has")
{
    struct client clients[2];
    world_open(defaults());
    for (int i = 0; i < 2; i++) {
        client_open(&clients[i]);
        client_send(&clients[i], STR(GET("/later")));
    }
    AWAIT(world.held_count == 2);
    http_server_free(world.server);
    world.server = NULL;
    CHECK_INT(world.gone, 2);
    CHECK_INT(world.done, 2);
    client_close(&clients[0]);
    client_close(&clients[1]);
    world_close();
}

TEST("a port in use is an error with its address in it")
{
    char error[256] = "";
    struct http_handler handler = {.on_request = on_request};
    world_open(defaults());
    struct http_server_config config = defaults();
    config.port = http_server_port(world.server);
    CHECK(!http_server_new(world.base, &config, &handler, error, sizeof error));
    CHECK(strstr(error, "cannot listen on 127.0.0.1:") == error);
    CHECK(strstr(error, "Address already in use"));
    world_close();
}

TEST_MAIN
