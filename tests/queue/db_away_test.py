"""The db pool while its server is away, and when it comes back."""
import os
import time

import pytest

from tests.queue.db_support import ASKS, ballot, start_db_pool  # noqa: F401


@pytest.fixture(scope="module")
def away(tmp_path_factory, sample_database, start_db_pool):  # noqa: F811
    """A pool whose server's socket is a name that comes and goes: away.come(), away.go()."""
    name = tmp_path_factory.mktemp("link") / "server.sock"
    pool = start_db_pool(sample_database, settings=("--set", f"databases.default.socket={name}"))
    pool.come = lambda: os.symlink(sample_database.address["mariadb_socket"], name)
    pool.go = name.unlink
    return pool


@pytest.mark.parametrize("message", ASKS)
def test_every_message_is_answered_at_once_while_the_server_is_away(away, message):
    start = time.monotonic()
    answers = [away.ask(message, **ASKS[message]) for _ in range(3)]
    assert [answer.status for answer in answers] == ["UNAVAILABLE"] * 3
    assert time.monotonic() - start < 1


def test_that_the_server_is_away_is_said_once_a_connection(away):
    end = time.monotonic() + 1.5  # several attempts to connect
    while time.monotonic() < end:
        away.ask("choice_list", question_id=1)
        away.ask("vote_cast", **ballot(1, 1, 1))
    assert away.process.log.count("db_away") == 2


def test_the_pool_serves_again_within_two_seconds_of_its_servers_return(away):
    away.come()
    start = time.monotonic()
    away.process.until(lambda: away.status("choice_list", question_id=1) == "OK", timeout=2)
    away.process.until(lambda: away.status("vote_cast", **ballot(1, 2, 4)) in ("OK", "ALREADY_VOTED"), timeout=2)
    assert time.monotonic() - start < 2
    away.go()


def test_a_session_lost_while_the_server_is_away_is_not_waited_for(away):
    for (connection,) in away.admin("SELECT id FROM information_schema.processlist"
                                    f" WHERE id <> CONNECTION_ID() AND db = '{away.database.name}'"):
        away.admin(f"KILL {connection}")
    start = time.monotonic()
    assert away.status("choice_list", question_id=1) == "UNAVAILABLE"
    assert away.status("vote_cast", **ballot(1, 1, 1)) == "UNAVAILABLE"
    assert time.monotonic() - start < 1
    assert "@example.com" not in away.process.log


def connections(pool):
    return pool.admin(f"SELECT COUNT(*) FROM information_schema.processlist WHERE db = '{pool.database.name}'"
                      " AND user <> CURRENT_USER() AND id <> CONNECTION_ID()")[0][0]


def test_an_idle_pool_keeps_minsize_connections_and_a_busy_one_opens_up_to_maxsize(sample_database, start_db_pool):  # noqa: F811
    pool = start_db_pool(sample_database, threads=8, settings=("--set", "databases.default.minsize=2"))
    pool.process.until(lambda: connections(pool) == 2)
    question, (choice, *_) = pool.question(1)
    with pool.writer_held(question):
        for other in range(1, 30):  # each on a question of its own type of work: none may fail
            pool.send("question_get", question_id=other, user_id=0)
            pool.send("choice_list", question_id=other)
            pool.send("user_get", user_id=1, with_votes=True)
        pool.process.until(lambda: connections(pool) > 2)
    assert pool.status("vote_cast", **ballot(1, question, choice)) == "OK"
    assert connections(pool) <= 8
