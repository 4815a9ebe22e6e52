"""vote-gateway as a process: how it starts, what it says, what it refuses, how it ends."""
import contextlib
import re
import shutil
import signal
import socket
import subprocess

import pytest

from tests.conftest import ROOT, SANITIZERS
from tests.fixtures.client import Client

COMBINED = (r'^127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "%s" (\d+) (\d+) "(.*)" "(.*)"'
            r' ([0-9a-f]{32}) \d+\.\d{6}$')


@pytest.fixture
def refused(build_dir, config_file):
    """refused(ARGUMENT…): the lines on standard error of a gateway that must not start."""
    def run(*arguments, config=config_file):
        done = subprocess.run(
            [build_dir / "bin" / "vote-gateway", *(["--config", config] if config else []), *arguments],
            env=SANITIZERS, cwd=ROOT, capture_output=True, text=True, timeout=30)
        assert done.returncode == 1, done.stderr
        assert done.stdout == ""
        return done.stderr.splitlines()
    return run


@contextlib.contextmanager
def gateway(process, ipc_dir, *arguments):
    started = process("vote-gateway", "--port", "0", "--set", f"gateway.ipc_dir={ipc_dir}", *arguments)
    yield started, int(started.wait_line(r"======== Running on .*:(\d+) ========")[1])
    started.stop()


def refuses(port, host="127.0.0.1"):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as client:
        return client.connect_ex((host, port)) != 0


# ---- starting ------------------------------------------------------------------------------------


def test_it_says_where_it_runs(process, ipc_dir):
    with gateway(process, ipc_dir) as (started, port):
        assert f"======== Running on http://127.0.0.1:{port} ========" in started.log.splitlines()
        assert Client(port).get("/healthz").status == 200


@pytest.mark.parametrize("host, shown", [("127.0.0.2", "127.0.0.2"), ("::1", "[::1]")])
def test_it_listens_where_host_says_and_nowhere_else(process, ipc_dir, host, shown):
    with gateway(process, ipc_dir, "--host", host) as (started, port):
        assert f"======== Running on http://{shown}:{port} ========" in started.log.splitlines()
        assert not refuses(port, host) and refuses(port)


def test_a_port_in_use_is_one_clear_line(refused, ipc_dir):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line, = refused("--port", str(port), "--set", f"gateway.ipc_dir={ipc_dir}")
    assert line == f"vote-gateway: listen: cannot listen on 127.0.0.1:{port}: Address already in use"


@pytest.mark.parametrize("text, mistakes", [
    ("gateway:\n  port: many\n", [r":2: gateway\.port: .*many.*expected"]),
    ("gateway:\n  prot: 9000\n", [r":2: gateway\.prot: .*expected"]),
    ("gateway:\n  port: -1\nlog:\n  level: loud\n", [r":2: gateway\.port: ", r":4: log\.level: "]),
    ], ids=["wrong type", "unknown key", "two at once"])
def test_a_broken_configuration_is_told_with_file_and_line(refused, tmp_path, text, mistakes):
    file = tmp_path / "vote.yaml"
    file.write_text(text)
    lines = refused(config=file)
    assert len(lines) == len(mistakes)
    for line, mistake in zip(lines, mistakes):
        assert re.match(re.escape(str(file)) + mistake, line), line
    assert refused("--check-config", config=file) == lines


def test_a_missing_configuration_is_one_line(refused, tmp_path):
    line, = refused(config=tmp_path / "none.yaml")
    assert "none.yaml" in line


@pytest.mark.parametrize("file, text, where", [
    ("login.html", "\n{% if %}\n", "login.html:2: "),
    ("error.html", "{% extends 'nowhere.html' %}", "error.html:1: "),
    ("index.html", "{{ url('home') | nosuch }}", "index.html:1: "),
    ("index.html", "{% for x in y %}", "index.html:1: "),
])
def test_a_broken_template_is_told_with_file_and_line(refused, ipc_dir, tmp_path, file, text, where):
    shutil.copytree(ROOT / "templates", tmp_path / "templates")
    (tmp_path / "templates" / file).write_text(text)
    lines = refused("--port", "0", "--set", f"gateway.ipc_dir={ipc_dir}",
                    "--set", f"template_dir={tmp_path}/templates")
    assert len(lines) == 1 and where in lines[0], lines


@pytest.mark.parametrize("arguments, words", [
    (["--port", "70000"], "70000.*0 to 65535"),
    (["--port", "abc"], "abc.*not a whole number"),
    (["--set", "gateway.prot=1"], r"gateway\.prot"),
    (["--set", "template_dir=/nowhere"], "/nowhere.*No such file"),
    (["--set", "static_dir=/nowhere"], "/nowhere.*No such file"),
    (["--set", "gateway.ipc_dir=/nowhere/deep"], "/nowhere/deep.*No such file"),
    (["serve"], "unexpected argument: serve"),
])
def test_a_wrong_command_line_is_one_clear_line(refused, ipc_dir, arguments, words):
    line, = refused("--port", "0", "--set", f"gateway.ipc_dir={ipc_dir}", *arguments)
    assert re.search(words, line)


def test_a_second_gateway_does_not_steal_the_queues_of_the_first(process, refused, ipc_dir, build_dir):
    with gateway(process, ipc_dir) as (started, port):
        lines = refused("--port", str(port), "--host", "127.0.0.2", "--set", f"gateway.ipc_dir={ipc_dir}")
        assert len(lines) == 1 and f"gateway-{port}.ipc" in lines[0]
        asked = subprocess.run(
            [build_dir / "bin" / "vote-call", "--gateway", f"ipc://{ipc_dir}/gateway-{port}.ipc",
             "gateway", "gateway_status", "{}"], env=SANITIZERS, capture_output=True, timeout=30)
        assert asked.returncode == 0


# ---- the access log ------------------------------------------------------------------------------


def test_every_request_is_one_line_in_combined_format_with_its_id(process, ipc_dir):
    with gateway(process, ipc_dir) as (started, port):
        answer = Client(port).get("/hello?q=1", User_Agent="probe/1.0", Referer="http://x.example/")
        line = started.wait_line(COMBINED % r"GET /hello\?q=1 HTTP/1\.1")
        status, size, referer, agent, request = line.groups()
        assert (status, referer, agent) == ("200", "http://x.example/", "probe/1.0")
        assert int(size) >= len(answer.body)
        assert request == answer.headers["X-Request-Id"]
        Client(port).get("/nowhere")
        assert started.wait_line(COMBINED % "GET /nowhere HTTP/1.1").groups()[2:4] == ("-", "-")


def test_nothing_from_outside_can_write_a_line_of_its_own(process, ipc_dir):
    with gateway(process, ipc_dir) as (started, port):
        Client(port).get("/x", User_Agent='a" 200 0 "-" "b\\', Referer="\xff\x80")
        line = started.wait_line(r'"GET /x HTTP/1.1" 404')
        assert r'"\xff\x80" "a\x22 200 0 \x22-\x22 \x22b\x5c"' in line.string


def test_a_request_that_cannot_be_read_is_logged_too(process, ipc_dir):
    with gateway(process, ipc_dir) as (started, port):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"NONSENSE\r\n\r\n")
            assert client.recv(1000).startswith(b"HTTP/1.1 400 Bad Request\r\n")
        started.wait_line(r'^127\.0\.0\.1 .* 400 ')


def test_the_access_log_can_be_turned_off(process, ipc_dir):
    with gateway(process, ipc_dir, "--set", "gateway.access_log=false") as (started, port):
        Client(port).get("/hello")
        started.stop()
        assert "GET /hello" not in started.log


# ---- ending --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0(process, ipc_dir, number):
    with gateway(process, ipc_dir) as (started, port):
        started.send(number)
        assert started.wait() == 0
        assert refuses(port)


def test_an_idle_connection_does_not_hold_it_up(process, ipc_dir):
    with gateway(process, ipc_dir) as (started, port):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"Hello Aiohttp!" in client.recv(1000)
            started.stop(timeout=5)
            assert client.recv(1000) == b""


def test_a_request_half_sent_is_still_answered_at_the_end(process, ipc_dir):
    with gateway(process, ipc_dir) as (started, port):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\n")
            started.until(lambda: Client(port).get("/healthz").status == 200)
            started.send(signal.SIGTERM)
            started.wait_line("gateway_stopping")
            client.sendall(b"\r\n")
            answer = b"".join(iter(lambda: client.recv(1000), b""))
        assert b"Connection: close" in answer and answer.endswith(b"Hello Aiohttp!")
        assert started.wait() == 0


def test_a_client_that_never_finishes_does_not_keep_it_for_ever(process, ipc_dir):
    with gateway(process, ipc_dir, "--set", "gateway.shutdown_ms=300") as (started, port):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
            started.until(lambda: Client(port).get("/healthz").status == 200)
            started.stop(timeout=10)
            assert "gateway_stop_forced" in started.log
