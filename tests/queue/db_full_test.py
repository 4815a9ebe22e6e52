"""The db pool while its server has no room left: InnoDB in one file of fixed size."""
import contextlib

import pymysql
import pytest

from tests.fixtures import services as service_fixture
from tests.queue.db_support import ASKS, ballot, pool, registration, start_db_pool  # noqa: F401


@pytest.fixture(scope="module")
def services():
    with contextlib.closing(service_fixture.OwnMariaDB(
            "innodb_file_per_table=0", "innodb_data_file_path=ibdata1:12M;ibdata2:6M",
            "innodb_stats_persistent=0")) as server:
        yield server.address


@contextlib.contextmanager
def full(pool):  # noqa: F811
    """Nothing larger than a few rows fits any more."""
    pool.sql("CREATE TABLE filler (id INT AUTO_INCREMENT PRIMARY KEY, data VARBINARY(8000)) ENGINE=InnoDB")
    for size in (8000, 2000, 100):
        with pytest.raises(pymysql.Error, match="full"):
            while True:
                pool.sql("INSERT INTO filler (data) SELECT REPEAT('x', %s) FROM question LIMIT 5", size)
    try:
        yield
    finally:
        pool.sql("DROP TABLE filler")


def until_full(pool, message, bodies):  # noqa: F811
    """(what was done before, the one that found no room)"""
    done = []
    for body in bodies:
        answer = pool.ask(message, **body)
        if answer.status != "OK":
            assert answer.status == "STORAGE_FAILED", answer
            return done, body
        done.append((body, answer.body))
    raise AssertionError("there was room for all of them")


def test_a_full_disk_is_told_as_such_loses_nothing_and_reads_go_on(pool):  # noqa: F811
    voters = [user for _ in range(6) for user in pool.users(100)]
    question, choices = pool.question(voters[0])
    with full(pool):
        votes, vote = until_full(pool, "vote_cast", [ballot(voter, question, choices[0]) for voter in voters])
        pool.process.wait_line("db_error class=FULL number=1114")
        assert pool.sql("SELECT COUNT(*), SUM(user_id = %s) FROM vote WHERE question_id = %s",
                        vote["user_id"], question) == ((len(votes), 0),)
        users, user = until_full(pool, "user_create", [registration() for _ in range(600)])
        assert pool.sql("SELECT COUNT(*) FROM user WHERE email = %s", user["email"]) == ((0,),)
        for message in ("user_get", "question_list", "question_mine", "question_get", "choice_list"):
            assert pool.status(message, **ASKS[message]) == "OK", message
        pool.check_tallies()
        for body, reply in votes[-1:]:
            assert pool.ok("vote_cast", **body) == reply, "what is stored is the answer still"
    pool.process.until(lambda: pool.status("vote_cast", **vote) == "OK")  # room comes back in time
    pool.process.until(lambda: pool.status("user_create", **user) == "OK")
    for message, done in (("vote_cast", votes), ("user_create", users)):
        for body, reply in done:
            assert pool.ok(message, **body) == reply
    assert pool.sql("SELECT COUNT(*) FROM vote WHERE question_id = %s", question) == ((len(votes) + 1,),)
    pool.check_tallies()
