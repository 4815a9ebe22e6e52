"""The db pool while its server refuses or hangs: read-only, full of connections, slow, stopped."""
import contextlib
import re
import signal
import time

import pymysql
import pytest

from tests.fixtures import services as service_fixture
from tests.queue.db_support import ASKS, ballot, new_id, pool, registration, start_db_pool  # noqa: F401

READS = ("user_by_account", "user_get", "question_list", "question_mine", "question_get", "choice_list")
WRITES = tuple(message for message in ASKS if message not in READS)


@pytest.fixture(scope="module")
def server():
    """Of this module alone: what is done to it would disturb every other test."""
    with contextlib.closing(service_fixture.OwnMariaDB(
            "log-bin=binlog", "sync_binlog=1", "max_user_connections=250")) as one:
        yield one


@pytest.fixture(scope="module")
def services(server):
    return server.address


@contextlib.contextmanager
def setting(pool, name, value):  # noqa: F811
    """A global variable of the server has this value while inside."""
    old = pool.admin(f"SELECT @@GLOBAL.{name}")[0][0]
    pool.admin(f"SET GLOBAL {name} = {value}")
    try:
        yield
    finally:
        pool.admin(f"SET GLOBAL {name} = {old}")


def rows(pool, question):  # noqa: F811
    return pool.sql("SELECT user_id, choice_id FROM vote WHERE question_id = %s", question)


def serves(pool):  # noqa: F811
    return (pool.status("choice_list", question_id=1) == "OK"
            and pool.status("vote_cast", **ballot(1, 2, 4)) in ("OK", "ALREADY_VOTED"))


def until_it_serves(pool):  # noqa: F811
    """By itself; the promise is 2 s, and a busy machine is given more."""
    start = time.monotonic()
    pool.process.until(lambda: serves(pool), timeout=5)
    print(f"served again after {time.monotonic() - start:.2f} s")


def kill_connections(pool):  # noqa: F811
    for (connection,) in pool.admin("SELECT id FROM information_schema.processlist"
                                    f" WHERE id <> CONNECTION_ID() AND db = '{pool.database.name}'"
                                    f" AND user = '{service_fixture.DATABASE_USER}'"):
        with contextlib.suppress(pymysql.Error):
            pool.admin(f"KILL {connection}")


# ---- read-only ----------------------------------------------------------------------------------


def test_a_read_only_server_is_read_from_and_every_write_is_refused_at_once(pool):  # noqa: F811
    user = pool.user()
    question, choices = pool.question(user)
    vote = ballot(user, question, choices[0])
    with setting(pool, "read_only", 1):
        start = time.monotonic()
        for message in WRITES:
            assert pool.status(message, **ASKS[message]) == "UNAVAILABLE", message
        assert pool.status("vote_cast", **vote) == "UNAVAILABLE"
        for message in READS:
            assert pool.status(message, **ASKS[message]) in ("OK", "USER_UNKNOWN"), message
        assert time.monotonic() - start < 3
    assert pool.status("vote_cast", **vote) == "OK"
    assert rows(pool, question) == ((user, choices[0]),)
    pool.process.wait_line("db_error class=READ_ONLY number=1290")


def test_a_batch_that_meets_a_read_only_server_fails_whole_and_may_come_again(pool):  # noqa: F811
    owner, *voters = pool.users(21)
    question, choices = pool.question(owner)
    ballots = [ballot(voter, question, choices[0]) for voter in voters]
    with setting(pool, "read_only", 1):
        slots = [pool.send("vote_cast", **one) for one in ballots]
        assert {pool.gateway.answer(slot).status for slot in slots} == {"UNAVAILABLE"}
    assert rows(pool, question) == ()
    assert {pool.status("vote_cast", **one) for one in ballots} == {"OK"}
    pool.check_tallies()


# ---- too many connections -----------------------------------------------------------------------


@pytest.mark.parametrize("limit, value, number", [
    ("max_connections", 10, 1040), ("max_user_connections", 3, 1203)])
def test_without_a_connection_to_be_had_all_are_told_at_once(pool, limit, value, number):  # noqa: F811
    said = pool.process.log.count(f"({number})")
    with contextlib.ExitStack() as stack, setting(pool, limit, value):

        def occupied():
            """Every connection there is belongs to this test; the pool's are ended."""
            kill_connections(pool)
            with contextlib.suppress(pymysql.Error):
                while True:
                    stack.enter_context(contextlib.closing(pool.database.connect()))
            return (pool.status("choice_list", question_id=1) == "UNAVAILABLE"
                    and pool.status("vote_cast", **ballot(1, 1, 1)) == "UNAVAILABLE")

        pool.process.until(occupied)
        start = time.monotonic()
        for message in ASKS:
            assert pool.status(message, **ASKS[message]) == "UNAVAILABLE", message
        assert time.monotonic() - start < 1.5
        assert pool.process.log.count(f"({number})") > said, "told in the log, with its number"
    until_it_serves(pool)


# ---- too slow -----------------------------------------------------------------------------------


def test_a_statement_over_its_time_is_ended_and_its_request_told_busy(sample_database, start_db_pool):  # noqa: F811
    slow = start_db_pool(sample_database, settings=("--set", "databases.default.statement_timeout_s=1",
                                                    "--set", "databases.default.lock_wait_s=60"))
    user = slow.user()
    question, choices = slow.question(user)
    vote = ballot(user, question, choices[0])
    with contextlib.closing(slow.database.connect(autocommit=False)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM question WHERE id = %s FOR UPDATE", (question,))
        assert slow.status("vote_cast", **vote) == "BUSY"
        connection.rollback()
    slow.process.wait_line("db_error class=LIMIT number=1969")
    assert slow.status("vote_cast", **vote) == "OK"
    assert rows(slow, question) == ((user, choices[0]),)


# ---- stopped ------------------------------------------------------------------------------------


def test_a_server_that_was_killed_is_served_from_again_and_has_every_vote(server, pool):  # noqa: F811
    owner, *voters = pool.users(5)
    question, choices = pool.question(owner)
    ballots = [ballot(voter, question, choices[0]) for voter in voters]
    receipts = [pool.ok("vote_cast", **one)["receipt"] for one in ballots]
    server.kill()
    try:
        start = time.monotonic()
        for message in (*ASKS, *ASKS):
            assert pool.status(message, **ASKS[message]) == "UNAVAILABLE", message
        assert time.monotonic() - start < 1.5
    finally:
        server.start()
    until_it_serves(pool)
    assert sorted(user for user, _ in rows(pool, question)) == sorted(voters)
    assert [pool.ok("vote_cast", **one)["receipt"] for one in ballots] == receipts
    pool.check_tallies()


def test_a_server_that_hangs_costs_one_patience_and_a_vote_under_way_comes_again(
        server, sample_database, start_db_pool):  # noqa: F811
    hung = start_db_pool(sample_database, settings=("--set", "databases.default.read_timeout_ms=1000",
                                                    "--set", "databases.default.connect_timeout_ms=1000"))
    user = hung.user()
    question, choices = hung.question(user)
    vote = ballot(user, question, choices[0])
    server.process.send_signal(signal.SIGSTOP)
    try:
        assert hung.status("vote_cast", **vote) == "UNAVAILABLE"
        assert hung.status("choice_list", question_id=1) == "UNAVAILABLE"
    finally:
        server.process.send_signal(signal.SIGCONT)
    hung.process.until(lambda: hung.status("vote_cast", **vote) == "OK")
    assert rows(hung, question) == ((user, choices[0]),)
    hung.check_tallies()


# ---- durability ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name, value", [("innodb_flush_log_at_trx_commit", 2),
                                         ("innodb_flush_log_at_trx_commit", 0), ("sync_binlog", 0)])
def test_a_server_that_may_lose_acknowledged_votes_is_told_of_at_start(
        pool, start_db_pool, name, value):  # noqa: F811
    with setting(pool, name, value):
        weak = start_db_pool(pool.database, threads=4)
        line = weak.process.wait_line("error database_not_durable.*").string
        assert f"{name} is not 1" in line and "may lose votes" in line
        assert serves(weak)
        assert weak.process.log.count("database_not_durable") == 1


def test_of_a_durable_server_nothing_is_said(pool):  # noqa: F811
    assert serves(pool)
    assert not re.search("database_not_durable", pool.process.log)
