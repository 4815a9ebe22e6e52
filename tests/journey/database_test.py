"""./vote backup, restore and import on sites of their own: nothing is lost, nothing foreign comes in."""
import contextlib
import gzip
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time

import pymysql
import pytest
import redis as redis_client

from tests.fixtures.client import BROWSER, PROGRAM, Client
from tests.fixtures.process import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
TABLES = ("user", "question", "choice", "vote", "schema_version", "import", "settled")

OLDER = """
CREATE DATABASE IF NOT EXISTS older; -- as dumps of several databases have it
CREATE TABLE user (id INT PRIMARY KEY, delete_flag TINYINT(1) DEFAULT 0, name VARCHAR(64), phone VARCHAR(32),
  email VARCHAR(64), password VARCHAR(64), create_time DATETIME DEFAULT NOW()) CHARSET utf8mb4;
CREATE TABLE question (id INT PRIMARY KEY, delete_flag TINYINT(1) DEFAULT 0, user_id INT,
  question_text VARCHAR(256), create_time DATETIME DEFAULT NOW()) CHARSET utf8mb4;
CREATE TABLE choice (id INT PRIMARY KEY, delete_flag TINYINT(1) DEFAULT 0, choice_text VARCHAR(256),
  votes INT DEFAULT 0, question_id INT, create_time DATETIME DEFAULT NOW()) CHARSET utf8mb4;
INSERT INTO user (id, name, phone, email, password) VALUES (3, '阿青', '15400000003', 'aqing@example.com', '123456');
INSERT INTO question (id, user_id, question_text) VALUES (2, 3, '晚饭吃什么?');
INSERT INTO choice (id, choice_text, votes, question_id) VALUES (4, '面', 57, 2), (7, '饭', 0, 2);
"""


class Place:
    """A site brought up by ./vote in a directory of its own."""

    def __init__(self, build_dir, directory):
        self.environment = {**os.environ, "VOTE_PRESET": build_dir.name}
        self.directory, self.port = directory, free_port()

    def vote(self, command, *arguments):
        return subprocess.run([ROOT / "vote", command, *map(str, arguments), "--dir", self.directory],
                              env=self.environment, text=True, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=300)

    def good(self, command, *arguments):
        done = self.vote(command, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refused(self, words, command, *arguments):
        done = self.vote(command, *arguments)
        assert done.returncode == 1 and re.search(words, done.stderr), done.stdout + done.stderr
        assert done.stderr.count("\n") == 1, done.stderr

    def query(self, sql):
        run = (self.directory / "run").resolve()
        with contextlib.closing(pymysql.connect(
                unix_socket=f"{run}/mariadb.sock", user="vote", autocommit=True, charset="utf8mb4",
                password=(self.directory / "password").read_text(), database="vote")) as connection:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall()

    def content(self):
        return {table: self.query(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES}

    def redis(self):
        return redis_client.Redis(unix_socket_path=f"{(self.directory / 'run').resolve()}/redis.sock")

    def log_in(self, account, password):
        client = Client(self.port, PROGRAM)
        answer = client.post("/login", [("account", account), ("password", password)])
        return client if answer.status == 302 else None


@contextlib.contextmanager
def started(build_dir, *arguments):
    with tempfile.TemporaryDirectory(prefix="vote-place-", dir="/tmp") as directory:
        place = Place(build_dir, pathlib.Path(directory) / "site")
        try:
            place.good("up", "--port", place.port, *arguments)
            yield place
        finally:
            place.good("reset", "--yes")


@pytest.fixture(scope="module")
def site(build_dir):
    with started(build_dir) as place:
        yield place


@pytest.fixture(scope="module")
def empty(build_dir):
    with started(build_dir, "--empty") as place:
        yield place


def account_of(site):
    return (site.directory / "sample-accounts").read_text().splitlines()[0].split("\t")


def test_a_restored_database_equals_the_one_backed_up(site, tmp_path):
    person = site.log_in(*account_of(site))
    assert person.post("/questions/1/vote", [("choice_id", "2")]).json()["error_code"] == 0
    assert person.post("/questions/new", [("text", "引号'\\`(; --?"), ("choice", "(甲)"),
                                          ("choice", "乙\\n")]).json()["error_code"] == 0
    before = site.content()
    said = site.good("backup", tmp_path / "one.gz")
    assert f"{len(before['vote'])} vote" in said and "log-ins (in Redis) are no part of it" in said
    assert os.stat(tmp_path / "one.gz").st_mode & 0o077 == 0  # it holds hashes and e-mails
    site.query("UPDATE user SET name = '别人'")
    assert person.post("/questions/2/vote", [("choice_id", "4")]).json()["error_code"] == 0

    site.refused(r"holds 12 accounts; --replace", "restore", tmp_path / "one.gz")
    assert site.query("SELECT COUNT(*) FROM vote")[0][0] == len(before["vote"]) + 1
    assert "everybody has to log in again" in site.good("restore", tmp_path / "one.gz", "--replace")
    assert site.content() == before
    assert person.get("/questions/1").status in (302, 401)  # the number may be another person's now
    assert site.log_in(*account_of(site)).post("/questions/2/vote", [("choice_id", "4")]).json()["error_code"] == 0


def test_a_backup_file_is_never_overwritten(site, tmp_path):
    (tmp_path / "letter").write_text("dear")
    site.refused("is there already", "backup", tmp_path / "letter")
    assert (tmp_path / "letter").read_text() == "dear"
    site.refused("cannot write", "backup", tmp_path / "none" / "letter")
    assert os.listdir(tmp_path) == ["letter"]


@pytest.mark.parametrize("content", [b"", b"\0\1\2" * 1000, b"\x1f\x8b broken", None])
def test_what_is_no_dump_is_refused_in_one_line(site, tmp_path, content):
    if content is None:
        (tmp_path / "file").mkdir()
    else:
        (tmp_path / "file").write_bytes(content)
    site.refused("no whole backup|no file that can be read", "restore", tmp_path / "file", "--replace")
    done = site.vote("import", tmp_path / "file")
    assert done.returncode == 1 and "Traceback" not in done.stderr and done.stderr.count("\n") <= 2, done.stderr
    assert site.query("SHOW DATABASES LIKE 'vote\\_%'") == ()


# What a file says may run neither as the account that calls ./vote nor as MariaDB's root, who looks at the tables.
RUNS_AS_ROOT = """DELIMITER ;;
CREATE FUNCTION f() RETURNS INT SQL SECURITY INVOKER BEGIN UPDATE vote.user SET name = 'x'; RETURN 1; END;;
DELIMITER ;
CREATE SQL SECURITY INVOKER VIEW strange AS SELECT f();
-- vote: rows strange 1
"""


def test_a_file_runs_no_program(site, tmp_path):
    site.good("backup", tmp_path / "good.gz")
    sql = gzip.decompress((tmp_path / "good.gz").read_bytes()).decode()
    sql = f"\\! touch {tmp_path}/ran\n" + sql.split("\n", 1)[1]  # the first line asks for the sandbox
    (tmp_path / "bad.sql").write_text(sql)
    (tmp_path / "bad.gz").write_bytes(gzip.compress(sql.encode()))
    site.refused("could not be loaded: .*sandbox", "restore", tmp_path / "bad.gz", "--replace")
    site.refused("could not be loaded: .*sandbox", "import", tmp_path / "bad.sql")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("spoil, words", [
    (lambda sql: sql[: len(sql) // 2], "no whole backup"),
    (lambda sql: re.sub(r"-- vote: rows vote \d+", "-- vote: rows vote 9999", sql), r"the backup had 9999"),
    (lambda sql: re.sub(r"(INSERT INTO `choice` VALUES\s*\(1,0,'python',)\d+", r"\g<1>77", sql),
     "1 tallies are not the count of their votes"),
    (lambda sql: sql.replace("003_settled.sql", "004_later.sql").replace("(3,'004", "(4,'004"),
     "is of another version"),
    (lambda sql: "USE vote; DELETE FROM vote;\n" + sql, "could not be loaded: .*denied"),
    (lambda sql: "CREATE FUNCTION f() RETURNS INT RETURN 1;\n" + sql, "could not be loaded: .*denied"),
    (lambda sql: "CREATE VIEW v AS SELECT 1;\n" + sql, "could not be loaded: .*denied"),
    (lambda sql: sql.replace("-- vote: rows", "CREATE TRIGGER t BEFORE INSERT ON vote FOR EACH ROW SET @a = 1;\n"
                             "-- vote: rows", 1), "could not be loaded: .*denied"),
    (lambda sql: "\\! true\n" + sql, "could not be loaded: .*sandbox"),
    (lambda sql: "source /etc/passwd\n" + sql, "could not be loaded: .*sandbox"),
    (lambda sql: RUNS_AS_ROOT + sql, "could not be loaded: .*denied"),
    (lambda sql: "-- vote: whole\n", "is no backup of this site: .*doesn't exist"),
])
def test_a_spoilt_backup_changes_nothing(site, tmp_path, spoil, words):
    site.good("backup", tmp_path / "good.gz")
    before = site.content()
    sql = gzip.decompress((tmp_path / "good.gz").read_bytes()).decode()
    (tmp_path / "bad.gz").write_bytes(gzip.compress(spoil(sql).encode()))
    site.refused(words, "restore", tmp_path / "bad.gz", "--replace")
    assert site.content() == before
    assert site.query("SHOW DATABASES LIKE 'vote\\_%'") == ()
    assert Client(site.port).get("/readyz").status == 200


def test_a_backup_moves_to_an_empty_site(site, empty, tmp_path):
    site.good("backup", tmp_path / "move.gz")
    assert empty.query("SELECT COUNT(*) FROM user") == ((0,),)
    empty.good("restore", tmp_path / "move.gz")
    assert empty.content() == site.content()
    assert empty.log_in(*account_of(site))


def test_an_older_database_comes_over_and_people_log_in_with_their_passwords(build_dir, tmp_path):
    (tmp_path / "older.sql").write_text(OLDER.split("\n", 2)[2])
    (tmp_path / "foreign.sql").write_text(OLDER)
    with started(build_dir, "--empty") as empty:
        empty.refused("could not be loaded: .*denied", "import", tmp_path / "foreign.sql")
        said = empty.good("import", tmp_path / "older.sql")
        assert "imported 1 users, 1 questions, 2 choices; 57 votes without rows stand apart" in said
        assert "remove it" in said
        assert empty.query("SHOW DATABASES LIKE 'vote\\_%'") == ()
        assert empty.query("SELECT password FROM user")[0][0].startswith("$argon2id$")
        assert not empty.log_in("aqing@example.com", "654321")
        person = empty.log_in("15400000003", "123456")

        assert person.post("/questions/2/vote", [("choice_id", "7")]).json()["error_code"] == 0
        results = person.get("/questions/2/results").json()
        assert results["votes"] == 1
        assert [(c["votes"], c["percent"], c["imported_votes"]) for c in results["choices"]] == [
            (0, "0.0%", 57), (1, "100.0%", 0)]
        assert "旧 57" in Client(empty.port, BROWSER, person.cookies["sessionid"]).get("/questions/2/results").text
        assert set(person.get("/questions/2/choice").json()[0]) == {
            "id", "delete_flag", "choice_text", "votes", "question_id", "create_time"}

        # A log-in that the older service wrote, with aiohttp_session's storage, goes on.
        session = "b7a1d1a2c1b44c3f9d9a0d4fd6c3a111"
        empty.redis().set(f"sessionid_{session}", json.dumps({"created": int(time.time()), "session": {"uid": 3}}))
        assert "阿青" in Client(empty.port, BROWSER, session).get("/").text
