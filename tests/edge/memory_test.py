"""What a keep-alive connection costs that waits: user-space bytes of the server, counted by its
allocator, not guessed from pages. VOTE_LONG=1 takes 10,000 of them."""
import contextlib
import os
import resource
import signal
import socket

import pytest

LONG = os.environ.get("VOTE_LONG") == "1"
COUNT = 10_000 if LONG else 1000
BYTES = 1024  # a connection may cost

FIELDS = b"".join(b"X-Field-%d: %s\r\n" % (i, b"v" * 400) for i in range(60))
LARGE = b"b" * 30_000
GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
BUSY = {
    "a request": (GET, 1),
    "many fields": (b"GET /a HTTP/1.1\r\nHost: a\r\n" + FIELDS + b"\r\n", 1),
    "a large body": (b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (len(LARGE), LARGE), 1),
    "a chunked body": (b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                       b"%x\r\n%s\r\n0\r\n\r\n" % (len(LARGE), LARGE), 1),
    "pipelined ones": (GET * 200, 200),
}


class Echo:
    """edge-echo, asked for its memory."""

    def __init__(self, process, directory):
        self._process = process("edge-echo", directory / "read", config=False)
        self.port = int(self._process.wait_line(r"edge-echo on (\d+)")[1])
        self._asked = 0

    def memory(self):
        """(bytes that its allocator has handed out, connections)"""
        self._asked += 1
        self._process.send(signal.SIGUSR1)
        told = self._process.wait_line(rf"memory {self._asked}: (\d+) bytes, (\d+) connections")
        return int(told[1]), int(told[2])

    def connection(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


def ask(connection, request, answers):
    """Sends it, and reads so many answers; the connection then waits."""
    connection.sendall(request)
    left = answers
    while left:
        received = connection.recv(65536)
        assert received
        left -= received.count(b"read\n")


@pytest.fixture(autouse=True)
def descriptors():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("work", BUSY)
def test_a_connection_that_waits_costs_no_more_than_a_kibibyte(process, tmp_path, work):
    echo = Echo(process, tmp_path)
    with contextlib.ExitStack() as stack:
        for _ in range(10):  # what is made once
            ask(stack.enter_context(echo.connection()), *BUSY[work])
        before, few = echo.memory()
        for _ in range(COUNT):
            ask(stack.enter_context(echo.connection()), *BUSY[work])
        after, many = echo.memory()
    assert (few, many) == (10, 10 + COUNT)
    each = (after - before) / COUNT
    print(f"{COUNT} connections after {work}: {each:.0f} bytes each")
    assert each <= BYTES
