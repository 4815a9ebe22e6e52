/* endpoint: the lock that says whose an ipc:// endpoint is. libzmq itself would quietly take over a
 * socket file that another process serves. */
#ifndef VOTE_GATEWAY_ENDPOINT_H
#define VOTE_GATEWAY_ENDPOINT_H

/* endpoint_lock: lock ENDPOINT.lock (made if missing, never removed: that would let two hold it).
 * Returns a descriptor that holds the lock until endpoint_unlock or the end of the process; -1, and
 * *out_error (static text), if it is no ipc:// endpoint, cannot be made or is held by another. */
int endpoint_lock(const char *endpoint, const char **out_error);
void endpoint_unlock(int fd);

#endif
