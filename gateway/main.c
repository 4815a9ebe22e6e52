#include "gateway/gateway.h"
#include "gateway/http/event.h"
#include "proto/base/die.h"
#include "proto/base/log.h"
#include "proto/config/options.h"

int main(int argc, char **argv)
{
    static const struct options_row rows[] = {
        {"host", "HOST", "address to listen on", "gateway.host", NULL},
        {"port", "PORT", "port to listen on", "gateway.port", NULL},
        {NULL},
    };
    static const struct options options = {
        .usage = "[OPTION…]",
        .summary = "The HTTP side of the voting site; pools (vote-worker) connect to it.",
        .rows = rows,
    };
    struct config *config;
    int first, status = options_read(&options, argc, argv, &config, &first);
    if (status >= 0)
        return status;
    if (first < argc)
        die("unexpected argument: %s", argv[first]);
    log_set_level(config->log.level);
    log_set_format(config->log.format);
    struct gateway *gateway = gateway_start(config);
    if (gateway) {
        gateway_run(gateway);
        gateway_free(gateway);
    }
    config_free(config);
    libevent_global_shutdown(); /* what it keeps for the life of a process */
    return gateway ? 0 : 1;
}
