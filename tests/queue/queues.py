"""One side of the queues in Python: the wire, a gateway to test pools with, and the processes around it.

Everything waits on an event with a deadline; nothing sleeps for a time.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import uuid

import pytest
import redis as redis_client
import zmq

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("VOTE_BIN", ROOT / "build/asan/bin"))
PATIENCE = 20.0  # seconds, for anything that should come at all

HEADER = struct.Struct("!2sBBHHII16sIHHIIII")  # proto/envelope.h


def _defined(name, pattern):
    return {m[0]: int(m[1]) for m in re.findall(pattern, (ROOT / "proto" / name).read_text(), re.MULTILINE)}


NUMBER = _defined("messages.def", r"^(?:REQUEST|REPLY|CONTROL)\((\w+), (\d+)")
NAME = {number: name for name, number in NUMBER.items()}
STATUS = {number: name for name, number in _defined("status.h", r"X\((\w+), (\d+), \d+,").items()}


def until(condition, seconds=PATIENCE):
    """Ask again until the condition is true, at most so long; returns what it said."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() >= end:
            return value
        time.sleep(0.01)


def pack(message, body=b"{}", *, slot=0, generation=0, ttl_ms=5000, attempt=1, request_id=bytes(16)):
    if not isinstance(body, bytes):
        body = json.dumps(body, ensure_ascii=False).encode()
    number = NUMBER[message] if isinstance(message, str) else message
    return (
        HEADER.pack(b"VQ", 1, attempt, number, 0, slot, generation, request_id, ttl_ms, 0, 0, 0, 0, 0, len(body))
        + body
    )


class Frame:
    """A frame a pool sent."""

    def __init__(self, peer, data):
        (magic, version, self.attempt, number, status, self.slot, self.generation, self.request_id, self.ttl_ms,
         self.credit, self.batch, self.queue_us, self.service_us, reserved, size) = HEADER.unpack_from(data)
        assert (magic, version, reserved, size) == (b"VQ", 1, 0, len(data) - HEADER.size)
        self.peer, self.message, self.status = peer, NAME[number], STATUS[status]
        self.body = json.loads(data[HEADER.size :])

    def __repr__(self):
        return f"<{self.message} {self.status} slot={self.slot} {self.body}>"


class Gateway:
    """What a pool sees of a gateway: a ROUTER. Frames that came while another was awaited are kept."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.kept = []
        self.slot = 0
        self.router = zmq.Context.instance().socket(zmq.ROUTER)
        self.router.linger = 0
        self.router.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self.router.bind(endpoint)

    def close(self):
        self.router.close()

    def receive(self, seconds):
        """The next frame from any pool, or None."""
        if not self.router.poll(max(0, int(seconds * 1000))):
            return None
        peer, data = self.router.recv_multipart()
        return Frame(peer, data)

    def expect(self, accept, seconds=PATIENCE):
        """The first frame that is accepted: a message's name, or a function."""
        fits = accept if callable(accept) else lambda frame: frame.message == accept
        for i, frame in enumerate(self.kept):
            if fits(frame):
                return self.kept.pop(i)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            frame = self.receive(end - time.monotonic())
            if frame and fits(frame):
                return frame
            if frame and frame.message != "heartbeat":
                self.kept.append(frame)
        raise AssertionError(f"nothing fitting came in {seconds} s; kept: {self.kept}")

    def ready(self, seconds=PATIENCE):
        """The next pool that announces itself."""
        return self.expect("ready", seconds)

    def send(self, peer, message, body=b"{}", **envelope):
        """Returns the slot, by which the answer is known."""
        self.slot += 1
        self.router.send_multipart([peer, pack(message, body, slot=self.slot, generation=7, **envelope)])
        return self.slot

    def answer(self, slot, seconds=PATIENCE):
        frame = self.expect(lambda f: f.slot == slot and f.message not in ("ready", "heartbeat"), seconds)
        assert frame.generation == 7
        return frame

    def ask(self, peer, message, body, **envelope):
        return self.answer(self.send(peer, message, body, **envelope))

    def drain(self, peer):
        """The barrier of a pool that leaves."""
        self.expect(lambda f: f.message == "drain" and f.peer == peer)
        self.send(peer, "drain_ok")


class Process:
    """A program of ours, its standard error in a file."""

    def __init__(self, directory, arguments):
        self.arguments = [str(a) for a in arguments]
        self.log_file = directory / f"{pathlib.Path(self.arguments[0]).name}-{uuid.uuid4().hex[:8]}.log"
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT)

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.log_file.read_text(errors="replace")

    def says(self, text, seconds=PATIENCE):
        assert until(lambda: text in self.log(), seconds), f"no {text!r} in:\n{self.log()}"

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds=PATIENCE):
        return self.process.wait(seconds)

    def stop(self):
        """End it as its keeper would; an exit that is not 0 (a leak, too) fails the test."""
        if self.process.poll() is None:
            self.terminate()
        try:
            status = self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not end on SIGTERM:\n{self.log()}") from None
        assert status == 0, f"exit status {status}:\n{self.log()}"


class Redis:
    """A private server on a unix socket."""

    def __init__(self, directory, *options):
        self.socket = directory / "redis.sock"
        self.directory, self.options = directory, options
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", self.directory, "--save", "",
             "--logfile", self.directory / "redis.log", "--daemonize", "no", *self.options],
            stdin=subprocess.DEVNULL,
        )
        self.client = redis_client.Redis(unix_socket_path=str(self.socket))
        assert until(self.answers), "redis-server does not start"

    def answers(self):
        try:
            return self.client.ping()
        except (redis_client.AuthenticationError, redis_client.ResponseError):
            return True
        except redis_client.ConnectionError:
            return False

    def kill(self):
        self.client.close()
        self.process.kill()
        self.process.wait()


def vote_call(*arguments, stdin=None, seconds=PATIENCE):
    """Run vote-call; returns (exit status, replies, standard error)."""
    done = subprocess.run(
        [BIN / "vote-call", *map(str, arguments)],
        input=stdin if stdin is not None else "", capture_output=True, text=True, timeout=seconds + 10, cwd=ROOT,
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.fixture
def directory():
    path = pathlib.Path(tempfile.mkdtemp(prefix="vote-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def endpoint(directory):
    return f"ipc://{directory}/gateway-1.ipc"


@pytest.fixture
def gateway(endpoint):
    with contextlib.closing(Gateway(endpoint)) as one:
        yield one


@pytest.fixture
def redis(directory):
    server = Redis(directory)
    yield server
    server.kill()


@pytest.fixture
def start_pool(directory, endpoint):
    """start_pool("session", "--threads", 2, "log.level=debug"): words with = are settings. Every pool
    started is ended after the test, and must end well."""
    started = []

    def start(service, *arguments, gateways=None):
        words = [BIN / "vote-worker", service, "--config", ROOT / "config/vote.yaml"]
        words += ["--set", f"caches.default.socket={directory}/redis.sock", "--set", "pools.heartbeat_ms=50"]
        words += ["--set", "password.opslimit=1", "--set", "password.memlimit=8192", "--set", "pools.drain_ms=0"]
        for argument in arguments:
            words += ["--set", argument] if "=" in str(argument) else [argument]
        for one in [endpoint] if gateways is None else gateways:
            words += ["--gateway", one]
        started.append(Process(directory, words))
        return started[-1]

    yield start
    for process in started:
        if process.process.returncode is None:
            process.stop()


class LateServer:
    """Answers as Redis would, but only when told to: answer(connection, bytes)."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.listener.settimeout(PATIENCE)

    def accept(self):
        """A connection that has been greeted."""
        connection, _ = self.listener.accept()
        connection.settimeout(PATIENCE)
        assert b"PING" in connection.recv(65536)
        connection.sendall(b"+PONG\r\n")
        return connection

    def close(self):
        self.listener.close()
