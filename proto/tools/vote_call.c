/* vote-call: curl for the queues. */
#include "proto/base/die.h"
#include "proto/tools/caller.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char usage[] =
    "Usage: vote-call [OPTION…] SERVICE MESSAGE [JSON]\n"
    "Send a request to a pool as a gateway would, and print its answer as a line of JSON.\n"
    "Without JSON, or with -, every line of standard input is one request: a body, or\n"
    "{\"message\": \"vote_cast\", \"body\": {…}}. With MESSAGE - every line must name its own.\n"
    "A \"request_id\" that is \"new\" becomes a fresh one.\n"
    "\n"
    "  --bind ENDPOINT     where pools connect, ipc://var/run/gateway-call-PID.ipc if not given\n"
    "  --gateway ENDPOINT  ask the gateway bound there: vote-call --gateway E gateway "
    "gateway_status\n"
    "  --curve-secret FILE, --curve-server FILE, --curve-clients FILE\n"
    "                      for a tcp:// ENDPOINT: our secret key, and the gateway's public key\n"
    "                      (with --gateway) or those of the pools (with --bind)\n"
    "  --timeout MS        for a pool to appear and for every answer, 5000 if not given\n"
    "  --list              print every request with a sample of its body\n"
    "  --help              print this\n"
    "\n"
    "Exit status: 0 every answer is OK, 1 one is not, 2 wrong use, 3 no pool or no answer in "
    "time.\n";

enum { TIMEOUT_MAX_MS = 3600 * 1000 };

static int refuse(const char *message, const char *value)
{
    fprintf(stderr, "%s: %s%s\nTry '%s --help'.\n", program_invocation_short_name, message, value,
            program_invocation_short_name);
    return CALLER_USAGE;
}

static int list(void)
{
    size_t count;
    const struct message_type *types = message_types(&count);
    struct buf sample = {0};
    for (size_t i = 0; i < count; i++) {
        if (types[i].kind != MESSAGE_REQUEST)
            continue;
        buf_reset(&sample);
        message_sample(types[i].record(), &sample);
        printf("%s %s '%.*s'\n", service_name(types[i].service), types[i].name,
               STR_ARG(buf_str(&sample)));
    }
    buf_free(&sample);
    return CALLER_GOOD;
}

/* libzmq would take a socket file over from the process that listens there. */
static bool somebody_listens(const char *endpoint)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct str text = str_from(endpoint), scheme = STR("ipc://");
    if (!str_starts(text, scheme) || text.size - scheme.size >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, text.data + scheme.size, text.size - scheme.size);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket: %s", strerror(errno));
    bool listens = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return listens;
}

/* -1: go on; else the exit status. */
static int read_options(int argc, char **argv, struct caller_settings *settings,
                        const char **out_gateway)
{
    static const struct option options[] = {{"bind", required_argument, NULL, 'b'},
                                            {"gateway", required_argument, NULL, 'g'},
                                            {"timeout", required_argument, NULL, 't'},
                                            {"list", no_argument, NULL, 'l'},
                                            {"curve-secret", required_argument, NULL, 'S'},
                                            {"curve-server", required_argument, NULL, 'G'},
                                            {"curve-clients", required_argument, NULL, 'C'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int code;
    while ((code = getopt_long(argc, argv, "", options, NULL)) != -1)
        switch (code) {
        case 'b':
            settings->endpoint = optarg;
            break;
        case 'g':
            *out_gateway = optarg;
            break;
        case 'S':
            settings->secret_file = optarg;
            break;
        case 'G':
            settings->gateway_file = optarg;
            break;
        case 'C':
            settings->clients_file = optarg;
            break;
        case 't':
            if (!str_to_int64(str_from(optarg), &settings->timeout_ms) ||
                settings->timeout_ms < 1 || settings->timeout_ms > TIMEOUT_MAX_MS)
                return refuse("--timeout expects milliseconds, not ", optarg);
            break;
        case 'l':
            return list();
        case 'h':
            fputs(usage, stdout);
            return CALLER_GOOD;
        default:
            return refuse("no such use", "");
        }
    return -1;
}

/* SERVICE MESSAGE [JSON]; -1: go on. */
static int read_arguments(int count, char **arguments, struct caller_settings *settings)
{
    if (count < 2 || count > 3)
        return refuse("expected SERVICE MESSAGE [JSON]", "");
    if (!service_parse(str_from(arguments[0]), &settings->service))
        return refuse("no such service: ", arguments[0]);
    if (strcmp(arguments[1], "-") != 0) {
        settings->type = message_type_named(str_from(arguments[1]));
        if (!settings->type || settings->type->kind != MESSAGE_REQUEST)
            return refuse("no such request: ", arguments[1]);
    }
    if (count == 3 && strcmp(arguments[2], "-") != 0) {
        if (strspn(arguments[2], " \t\r\n") == strlen(arguments[2]))
            return refuse("JSON is empty", "");
        if (strchr(arguments[2], '\n'))
            return refuse("JSON must be one line", "");
        settings->line = arguments[2];
    }
    return -1;
}

int main(int argc, char **argv)
{
    struct caller_settings settings = {.bind = true, .timeout_ms = 5000};
    const char *gateway = NULL;
    char standard[64];
    snprintf(standard, sizeof standard, "ipc://var/run/gateway-call-%d.ipc", (int)getpid());
    setvbuf(stdout, NULL, _IOLBF, 0); /* an answer is seen when it comes, through a pipe too */
    int status = read_options(argc, argv, &settings, &gateway);
    if (status >= 0)
        return status;
    status = read_arguments(argc - optind, argv + optind, &settings);
    if (status >= 0)
        return status;
    if (gateway && settings.endpoint)
        return refuse("--bind or --gateway, not both", "");
    if ((settings.service == SERVICE_GATEWAY) != (gateway != NULL))
        return refuse(gateway ? "a gateway answers the service gateway alone"
                              : "the service gateway needs --gateway",
                      "");
    settings.bind = gateway == NULL;
    if (gateway)
        settings.endpoint = gateway;
    else if (!settings.endpoint)
        settings.endpoint = standard;
    bool tcp = str_starts(str_from(settings.endpoint), STR("tcp://"));
    const char *others = settings.bind ? settings.clients_file : settings.gateway_file;
    if (tcp != (settings.secret_file && others) || (!tcp && (settings.secret_file || others)))
        return refuse("a tcp:// endpoint, and no other, needs --curve-secret and ",
                      settings.bind ? "--curve-clients" : "--curve-server");
    if (settings.bind && somebody_listens(settings.endpoint))
        return refuse("somebody listens already at ", settings.endpoint);
    return (int)caller_run(&settings);
}
