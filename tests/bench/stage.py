"""What every contender stands on: one MariaDB (durable) and one Redis on unix sockets, two databases,
the accounts and their log-ins, the files to serve.

`small` is the sample data, as a page of questions shows it; `large` has 1000 questions and takes the
votes. Both know the same accounts, so one log-in is good for both.
"""
import contextlib
import json
import pathlib
import re
import secrets
import shutil
import subprocess
import tempfile
import time

import redis

from tests.fixtures import services

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIRST_USER = 1000
QUESTIONS = 1000   # of `large`
READERS = 1000     # accounts that ask for pages
CHUNK = 5000       # rows of one INSERT


def site_settings():
    """Of InnoDB, as `./vote up` has them: votes are measured on the logs and caches that a site uses."""
    found = re.findall(r"^innodb_\w+=.*$", (ROOT / "launcher" / "services.sh").read_text(), re.M)
    if not found:
        raise RuntimeError("launcher/services.sh has no settings of InnoDB")
    return found


class Stage:
    """A context manager. voters: accounts; .sessions: their log-ins, in order of their ids."""

    def __init__(self, build_dir, voters):
        self.build_dir, self.voters = build_dir, voters
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with self._stack:
            self.address = self._stack.enter_context(services.started(*site_settings()))
            self.directory = pathlib.Path(self._stack.enter_context(
                tempfile.TemporaryDirectory(prefix="vote-bench-", dir="/tmp")))
            self._fill()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _fill(self):
        self.sessions = [secrets.token_hex(32) for _ in range(self.voters)]
        for name in ("small", "large"):
            self._migrate(name)
            self._rows(name, "user (id, name, email, password, request_id)", (
                f"({FIRST_USER + i}, '选民{i}', 'bench{i}@example.com', '*', RANDOM_BYTES(16))"
                for i in range(self.voters)))
        self.first_question = self.questions(QUESTIONS)
        self._log_in()
        self._files()

    # ---- MariaDB -----------------------------------------------------------------------------

    def database(self, name):
        return f"test_bench_{name}"

    def settings(self, name):
        """--set arguments for our programs."""
        address = self.address
        pairs = {"databases.default.socket": address["mariadb_socket"],
                 "databases.default.user": address["user"],
                 "databases.default.password": address["password"],
                 "databases.default.name": self.database(name),
                 "caches.default.socket": address["redis_socket"]}
        return [word for pair in pairs.items() for word in ("--set", "=".join(pair))]

    def query(self, name, sql, *parameters):
        with contextlib.closing(services.connect(
                self.address, autocommit=True, database=self.database(name))) as connection:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters or None)
                return cursor.fetchall()

    def _migrate(self, name):
        done = subprocess.run(
            [self.build_dir / "bin" / "vote-migrate", "--config", ROOT / "config" / "vote.yaml",
             "--sql", ROOT / "sql", *self.settings(name), "--samples"],
            cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)

    def _rows(self, name, columns, rows):
        rows = list(rows)
        with contextlib.closing(services.connect(
                self.address, autocommit=True, database=self.database(name))) as connection:
            with connection.cursor() as cursor:
                for start in range(0, len(rows), CHUNK):
                    cursor.execute(f"INSERT INTO {columns} VALUES "
                                   + ", ".join(rows[start:start + CHUNK]))

    def questions(self, count):
        """So many new questions of three choices in `large`: the first id. The choices of question q
        are 3q, 3q + 1 and 3q + 2, so that a client can name them."""
        first = max(FIRST_USER, 1 + self.query("large", "SELECT MAX(id) FROM question")[0][0])
        ids = range(first, first + count)
        self._rows("large", "question (id, user_id, question_text, request_id)", (
            f"({i}, 1, '第 {i} 个问题?', RANDOM_BYTES(16))" for i in ids))
        self._rows("large", "choice (id, question_id, choice_text)", (
            f"({3 * i + n}, {i}, '{'甲乙丙'[n]}')" for i in ids for n in range(3)))
        return first

    def votes(self, first, count):
        """(rows, sum of the tallies) of these questions, at one moment."""
        return tuple(map(int, self.query(
            "large", "SELECT (SELECT COUNT(*) FROM vote WHERE question_id BETWEEN %s AND %s),"
            " (SELECT SUM(votes) FROM choice WHERE question_id BETWEEN %s AND %s)",
            *(first, first + count - 1) * 2)[0]))

    # ---- Redis, files ------------------------------------------------------------------------

    def _log_in(self):
        """Straight into Redis, without the price of a password."""
        with redis.Redis(unix_socket_path=self.address["redis_socket"]) as client:
            batch = client.pipeline(transaction=False)
            for i, session in enumerate(self.sessions):
                value = {"created": int(time.time()), "session": {"uid": FIRST_USER + i}}
                batch.set(f"sessionid_{session}", json.dumps(value), ex=86400)
            batch.execute()
        self.session_file = self.directory / "sessions"
        self.session_file.write_text("\n".join(self.sessions) + "\n")

    def _files(self):
        self.static = self.directory / "static"
        shutil.copytree(ROOT / "static", self.static)
        for name, size in (("4k.bin", 4 << 10), ("1m.bin", 1 << 20)):
            (self.static / name).write_bytes(bytes(i * 7 % 251 for i in range(1024)) * (size >> 10))

    def processes(self):
        """{"mariadb": pid, "redis": pid}"""
        names = {pathlib.Path(f"/proc/{pid}/comm").read_text().strip(): pid
                 for pid, _ in self.address["processes"]}
        return {"mariadb": names["mariadbd"], "redis": names["redis-server"]}
