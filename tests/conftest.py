"""Fixtures of the Python suites. VOTE_BUILD_DIR names the build (default: build/asan)."""
import contextlib
import json
import os
import pathlib
import secrets
import subprocess
import sys
import tempfile

import pytest
import redis as redis_client

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.fixtures import services as service_fixture  # noqa: E402
from tests.fixtures.process import Process  # noqa: E402

# A leak at exit is a failure also where a suite runs by hand.
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": f"suppressions={ROOT}/tests/tsan.suppressions:second_deadlock_stack=1",
}


@pytest.fixture(scope="session")
def build_dir():
    return pathlib.Path(os.environ.get("VOTE_BUILD_DIR", ROOT / "build" / "asan"))


@pytest.fixture(scope="session")
def services(build_dir):
    """Where MariaDB and Redis are: those of CTest's fixture, else a pair for this run alone."""
    file = service_fixture.address_file(build_dir)
    if file.exists():
        yield json.loads(file.read_text())
        return
    with service_fixture.started() as address:
        yield address


class Database:
    """One fresh database with all migrations applied."""

    def __init__(self, address, name):
        self.address, self.name = address, name
        self.samples = {}  # account: password, when samples were loaded

    @property
    def settings(self):
        return ["--set", f"databases.default.socket={self.address['mariadb_socket']}",
                "--set", f"databases.default.user={self.address['user']}",
                "--set", f"databases.default.password={self.address['password']}",
                "--set", f"databases.default.name={self.name}"]

    def connect(self, **options):
        """A pymysql connection to it, autocommit; the caller closes it."""
        options = {"autocommit": True, "database": self.name, **options}
        return service_fixture.connect(self.address, **options)

    def query(self, sql, *parameters):
        """All rows of one statement on a connection of its own."""
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return cursor.fetchall()


@pytest.fixture(scope="module")
def config_file():
    return ROOT / "config" / "vote.yaml"


@pytest.fixture(scope="module")
def make_database(services, build_dir, config_file):
    """make_database(samples=False): a new Database; dropped when the module ends."""
    made = []

    def make(samples=False):
        database = Database(services, f"test_{secrets.token_hex(6)}")
        made.append(database)
        command = [build_dir / "bin" / "vote-migrate", "--config", config_file,
                   "--sql", ROOT / "sql", *database.settings]
        done = subprocess.run(command + ["--samples"] * samples, env={**os.environ, **SANITIZERS},
                              cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        database.samples = dict(line.split("\t") for line in done.stdout.splitlines())
        return database

    yield make
    for database in made:
        with contextlib.closing(database.connect(database=None)) as connection:
            connection.cursor().execute(f"DROP DATABASE IF EXISTS `{database.name}`")


@pytest.fixture(scope="module")
def database(make_database):
    """An empty database of this module."""
    return make_database()


@pytest.fixture(scope="module")
def sample_database(make_database):
    """A database of this module with the sample data."""
    return make_database(samples=True)


class Cache:
    """One empty numbered database of the Redis server; number 0 only hands out the numbers."""

    def __init__(self, address):
        self.socket = address["redis_socket"]
        with redis_client.Redis(unix_socket_path=self.socket) as counter:
            self.number = 1 + counter.incr("next") % (service_fixture.REDIS_DATABASES - 1)
        self.client = redis_client.Redis(unix_socket_path=self.socket, db=self.number)
        self.client.flushdb()

    @property
    def settings(self):
        return ["--set", f"caches.default.socket={self.socket}",
                "--set", f"caches.default.db={self.number}"]


@pytest.fixture(scope="module")
def redis(services):
    """An empty Redis database of this module: .client, .settings, .number, .socket."""
    cache = Cache(services)
    yield cache
    cache.client.close()


@pytest.fixture(scope="module")
def ipc_dir():
    """A directory with a name short enough for unix sockets."""
    with tempfile.TemporaryDirectory(prefix="vote-ipc-", dir="/tmp") as directory:
        yield pathlib.Path(directory)


def spawner(build_dir, config_file, log_dir, stack):
    counts = {}

    def spawn(program, *arguments, config=True, env=None):
        counts[program] = counts.get(program, 0) + 1
        command = [build_dir / "bin" / program, *arguments]
        if config:
            command += ["--config", config_file]
        log = log_dir / f"{program}-{counts[program]}.log"
        environment = {**os.environ, **SANITIZERS, **(env or {})}
        return stack.enter_context(Process(command, log, environment, ROOT))

    return spawn


@pytest.fixture
def process(build_dir, config_file, tmp_path):
    """process(PROGRAM, ARGUMENT..., config=True, env=None): a running Process of the build. All are
    stopped at the end of the test, the last first, and each must exit 0."""
    with contextlib.ExitStack() as stack:
        yield spawner(build_dir, config_file, tmp_path, stack)


@pytest.fixture(scope="module")
def module_process(build_dir, config_file, tmp_path_factory):
    """The same, for processes that serve every test of the module."""
    with contextlib.ExitStack() as stack:
        yield spawner(build_dir, config_file, tmp_path_factory.mktemp("logs"), stack)
