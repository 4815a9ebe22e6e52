/* connection: inside http/server. One client's socket and where its talk stands. */
#ifndef VOTE_HTTP_CONNECTION_H
#define VOTE_HTTP_CONNECTION_H

#include "gateway/http/clients.h"
#include "gateway/http/date.h"
#include "gateway/http/event.h"
#include "gateway/http/output.h"
#include "gateway/http/server.h"

#include <netinet/in.h>

enum {
    HTTP_INPUT_MAX = 65536, /* bytes of later requests that may wait behind the one in progress */
    HTTP_DRAIN_MAX = 262144 /* bytes read and thrown away behind the last answer */
};

enum http_phase {
    PHASE_IDLE, /* no byte of a request yet */
    PHASE_HEAD,
    PHASE_BODY,
    PHASE_WAIT,   /* the handler has the request */
    PHASE_WRITE,  /* the answer does not fit the socket; the rest waits here */
    PHASE_STREAM, /* an answer without an end goes on */
    PHASE_LINGER, /* said all, reading on so that the client gets it */
    PHASE_CLOSED  /* waits for the server to free it */
};

/* Lives from a request's first byte to its answer's last. */
struct exchange {
    struct http_exchange shown; /* first: what the handler sees */
    struct http_connection *connection;
    struct arena arena;
    struct http_parser parser;
    int64_t body_started_us; /* 0: not yet */
    int64_t answered_us;
    int64_t sent;    /* bytes of the answer */
    int status;      /* of the answer; 0 before */
    bool announced;  /* the handler knows it */
    bool failed;     /* the parser or a timer refused it */
    bool keep_alive; /* decided with the answer */
    bool over;       /* done; to be freed by who still looks at it */
};

struct http_connection {
    struct http_server *server;
    struct http_connection *previous, *next;
    struct http_connection *next_dead;
    int fd;
    enum http_phase phase;
    bool eof;       /* the client said all it will say */
    bool reading;   /* readable is in the loop */
    bool writing;   /* so is writable */
    bool advancing; /* a function below is looking at the exchange */
    struct event readable, writable;
    struct event wake;         /* the deadline, or input left to look at */
    int64_t deadline_us;       /* 0: none */
    int64_t armed_us;          /* when wake is due, not later than the deadline; 0: not armed */
    struct exchange *exchange; /* NULL when idle */
    struct buf input;          /* what came behind the request in progress */
    struct http_output output;
    size_t kept;    /* bytes of output, as counted in server->kept */
    size_t drained; /* while lingering */
    struct http_client_key client_key;
    char client[INET6_ADDRSTRLEN];
};

struct http_server {
    struct event_base *base;
    struct http_server_config config;
    struct http_handler handler;
    int fd, port;
    int reserve; /* a descriptor to give up when there are no more; -1: it is given up */
    struct event acceptable, unpause;
    struct event reap; /* frees the dead, outside of everybody's callbacks */
    struct http_connection *connections, *dead;
    size_t count;
    size_t kept; /* bytes that wait for slow clients, of all connections */
    struct http_clients *clients;
    bool stopping, drained;
    struct http_date date;
    struct buf head;            /* shared: the head being written */
    char input[HTTP_INPUT_MAX]; /* shared: the bytes just read */
};

/* connection_new: takes the socket, its peer's address and what http_clients_enter said; reads from
 * the next turn on. */
void connection_new(struct http_server *server, int fd, const struct sockaddr *address,
                    const struct http_client_key *client_key);

/* connection_read: what its readable event does; harmless when nothing is there. */
void connection_read(struct http_connection *connection);

/* connection_hurry: what it waits for now has to come within ms. */
void connection_hurry(struct http_connection *connection, int64_t ms);

/* connection_close: at once. The memory stays until server->reap. Again: no effect. */
void connection_close(struct http_connection *connection);

#endif
