#include "gateway/http/output.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FILE_TURN = 1 << 20 };

bool errno_is_transient(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

bool output_send(struct http_output *output, int fd, struct str first, struct str second, bool more,
                 int64_t *sent)
{
    struct iovec parts[2] = {{(void *)first.data, first.size}, {(void *)second.data, second.size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
    ssize_t n = 0;
    if (output->bytes.size == 0)
        n = second.size ? sendmsg(fd, &message, flags) : send(fd, first.data, first.size, flags);
    if (n < 0 && !errno_is_transient(errno))
        return false;
    size_t taken = n < 0 ? 0 : (size_t)n;
    *sent += (int64_t)taken;
    size_t of_first = taken < first.size ? taken : first.size;
    buf_add(&output->bytes, first.data + of_first, first.size - of_first);
    taken -= of_first;
    if (second.size > taken)
        buf_add(&output->bytes, second.data + taken, second.size - taken);
    return true;
}

static bool send_bytes(struct http_output *output, int fd, int64_t *sent)
{
    struct buf *bytes = &output->bytes;
    while (output->sent < bytes->size) {
        ssize_t n = send(fd, bytes->data + output->sent, bytes->size - output->sent, MSG_NOSIGNAL);
        if (n < 0)
            return errno_is_transient(errno);
        output->sent += (size_t)n;
        *sent += n;
    }
    buf_free(bytes);
    output->sent = 0;
    return true;
}

static bool send_file(struct http_output *output, int fd, int64_t *sent)
{
    struct http_file *file = &output->file;
    off_t offset = file->offset;
    size_t want = file->size < FILE_TURN ? (size_t)file->size : FILE_TURN;
    ssize_t n = sendfile(fd, file->fd, &offset, want);
    if (n < 0)
        return errno_is_transient(errno);
    file->offset += n;
    file->size -= n;
    *sent += n;
    if (file->size == 0) {
        close(file->fd);
        file->fd = -1;
    }
    return n > 0;
}

bool output_flush(struct http_output *output, int fd, int64_t *sent)
{
    if (!send_bytes(output, fd, sent))
        return false;
    return output->bytes.size || output->file.fd < 0 || send_file(output, fd, sent);
}

bool output_is_empty(const struct http_output *output)
{
    return output->bytes.size == 0 && output->file.fd < 0;
}

void output_free(struct http_output *output)
{
    buf_free(&output->bytes);
    if (output->file.fd >= 0)
        close(output->file.fd);
    output->file.fd = -1;
}
