/* endpoint: the lock that says whose an ipc:// endpoint is. libzmq itself would quietly take over a
 * socket file that another process serves. */
#ifndef VOTE_GATEWAY_ENDPOINT_H
#define VOTE_GATEWAY_ENDPOINT_H

/* endpoint_lock: lock ENDPOINT.lock (made if missing, never removed: that would let two hold it).
 * Returns a descriptor that holds the lock until endpoint_release or the end of the process; -1,
 * and *out_error (static text), if it is no ipc:// endpoint, cannot be made or is held by another.
 */
int endpoint_lock(const char *endpoint, const char **out_error);

/* endpoint_release: remove the socket file, which libzmq leaves behind, and unlock. fd as returned
 * by endpoint_lock, -1 too. */
void endpoint_release(int fd, const char *endpoint);

#endif
