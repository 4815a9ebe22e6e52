"""The operators' address: few may be there, nobody for long, and no answer is kept or run."""
import contextlib
import http.client
import socket

import pytest

from tests.fixtures.client import Answer, Client
from tests.fixtures.process import free_port

CONNECTIONS = 64  # gateway/admin.c


@pytest.fixture
def admin(process, ipc_dir):
    """The port of the operators' address."""
    port = free_port()
    gateway = process("vote-gateway", "--port", "0", "--set", f"gateway.ipc_dir={ipc_dir}",
                      "--set", f"gateway.admin_port={port}")
    gateway.wait_line("Running on")
    return port


def said(connected, method="GET"):
    """The answer to what was sent on a connection, read to its end."""
    response = http.client.HTTPResponse(connected, method=method)
    response.begin()
    return Answer(response)


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/metrics", 200), ("HEAD", "/metrics", 200), ("GET", "/healthz", 200), ("GET", "/status.json", 200),
    ("GET", "/readyz", 503), ("GET", "/", 404), ("GET", "/questions", 404), ("POST", "/metrics", 405),
    ("GET", "no target", 400)])
def test_every_answer_is_kept_by_nobody_and_runs_nothing(admin, method, path, status):
    with socket.create_connection(("127.0.0.1", admin), timeout=10) as connected:
        connected.sendall(f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        answer = said(connected, method)
    assert answer.status == status
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'"
    assert answer.type.startswith("application/json;" if path == "/status.json" else "text/plain;")


def test_one_too_many_is_told_so_and_room_comes_back(admin):
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.create_connection(("127.0.0.1", admin), timeout=10))
                for _ in range(CONNECTIONS)]
        for each in held:
            each.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert said(each).status == 200
        assert Client(admin).get("/healthz").status == 503
        held[0].shutdown(socket.SHUT_WR)
        assert held[0].recv(1) == b""
        assert Client(admin).get("/healthz").status == 200


def test_who_does_not_finish_a_request_is_let_go(admin):
    with socket.create_connection(("127.0.0.1", admin), timeout=30) as connected:
        connected.sendall(b"GET /healthz HTTP/1.1\r\nHost: ")
        assert said(connected).status == 408
