"""Fixtures of the queue suite: a gateway made here, pools that connect to it."""
import contextlib
import json
import os
import pathlib
import subprocess
import tempfile

import pytest

from tests.conftest import ROOT, SANITIZERS
from tests.fixtures.queues import PATIENCE, Gateway, Redis

# A pool is quick to notice, cheap to hash, and leaves at once unless a test is about leaving.
SETTINGS = ["pools.heartbeat_ms=50", "pools.drain_ms=0", "password.opslimit=1",
            "password.memlimit=8192"]


@pytest.fixture
def directory():
    """Of this test, with a name short enough for unix sockets."""
    with tempfile.TemporaryDirectory(prefix="vote-", dir="/tmp") as path:
        yield pathlib.Path(path)


@pytest.fixture
def endpoint(directory):
    return f"ipc://{directory}/gateway-1.ipc"


@pytest.fixture
def gateway(endpoint):
    with contextlib.closing(Gateway(endpoint)) as one:
        yield one


@pytest.fixture
def own_redis(directory):
    """A Redis of this test alone, where start_pool looks for it."""
    server = Redis(directory)
    yield server
    server.kill()


@pytest.fixture
def start_pool(process, directory, endpoint):
    """start_pool(SERVICE, ARGUMENT…, gateways=[endpoint]): a pool; words with = are settings."""

    def start(service, *arguments, gateways=None):
        words = [service]
        for setting in [*SETTINGS, f"caches.default.socket={directory}/redis.sock"]:
            words += ["--set", setting]
        for argument in arguments:
            words += ["--set", argument] if "=" in str(argument) else [argument]
        for one in [endpoint] if gateways is None else gateways:
            words += ["--gateway", one]
        return process("vote-worker", *words)

    return start


@pytest.fixture(scope="session")
def run(build_dir):
    """run(PROGRAM, ARGUMENT…, stdin=""): to its end; what subprocess.run returns."""

    def run_program(program, *arguments, stdin=""):
        return subprocess.run([build_dir / "bin" / program, *map(str, arguments)], input=stdin,
                              capture_output=True, text=True, timeout=PATIENCE, cwd=ROOT,
                              env={**os.environ, **SANITIZERS})

    return run_program


@pytest.fixture(scope="session")
def vote_call(run):
    """vote_call(ARGUMENT…, stdin=""): (exit status, replies, standard error)."""

    def call(*arguments, stdin=""):
        done = run("vote-call", *arguments, stdin=stdin)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    return call


@pytest.fixture
def stream(build_dir):
    """stream(ARGUMENT…): a vote-call that reads lines from .stdin as they are written."""
    with contextlib.ExitStack() as stack:

        def start(*arguments):
            return stack.enter_context(subprocess.Popen(
                [build_dir / "bin" / "vote-call", *map(str, arguments)], text=True, bufsize=1,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT))

        yield start
