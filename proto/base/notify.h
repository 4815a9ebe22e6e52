/* notify: tell the service manager how far this process is, as sd_notify(3) specifies it: a
 * datagram to the socket that NOTIFY_SOCKET names. Written out here, because libsystemd would bring
 * five libraries of compression and cryptography into every process for it. */
#ifndef VOTE_BASE_NOTIFY_H
#define VOTE_BASE_NOTIFY_H

#include <stdbool.h>

/* notify: send state, "READY=1" or "STOPPING=1". False when nobody waits for it (no NOTIFY_SOCKET:
 * not an error) or it could not be sent, with errno. Does not block. */
bool notify(const char *state);

#endif
