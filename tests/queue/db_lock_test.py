"""Votes that meet the locks of others: first the whole batch again, then each ballot alone."""
import contextlib
import re

from tests.queue.db_support import ballot, pool, start_db_pool  # noqa: F401


@contextlib.contextmanager
def transaction(pool):  # noqa: F811
    """Somebody else's, rolled back."""
    with contextlib.closing(pool.database.connect(autocommit=False)) as connection, connection.cursor() as cursor:
        yield cursor
        connection.rollback()


class Lines:
    """What the pool says from now on."""

    def __init__(self, pool):  # noqa: F811
        self._pool, self._from = pool, len(pool.process.log.splitlines())

    def count(self, pattern):
        return sum(bool(re.search(pattern, line)) for line in self._pool.process.log.splitlines()[self._from:])


def send_together(pool, ballots):  # noqa: F811
    """The slots of what will be one batch, once the pool's writing thread is free again."""
    slots = [pool.gateway.send(pool.peer, "vote_cast", one, ttl_ms=60000) for one in ballots]
    pool.await_queued(len(ballots))
    return slots


def test_a_deadlocked_batch_is_cast_again_whole(pool):  # noqa: F811
    owner, *voters = pool.users(13)
    question, choices = pool.question(owner)
    held, _ = pool.question(owner)
    lines = Lines(pool)
    with transaction(pool) as cursor:
        cursor.execute("SELECT id FROM choice WHERE id = %s FOR UPDATE", (choices[0],))
        cursor.execute("UPDATE user SET name = 'heavy'")  # more to undo: the votes are the victim
        with pool.writer_held(held):
            slots = send_together(pool, [ballot(voter, question, choices[0]) for voter in voters])
        pool.await_locking("INSERT IGNORE")
        cursor.execute("SELECT id FROM question WHERE id = %s FOR UPDATE", (question,))
    answers = [pool.gateway.answer(slot) for slot in slots]
    assert [(answer.status, answer.batch) for answer in answers] == [("OK", 12)] * 12
    assert lines.count("db_retry class=RETRY") >= 1
    assert lines.count("votes_one_by_one") == 0
    pool.check_tallies()


def test_a_lock_that_does_not_come_is_waited_for_three_times_and_then_each_votes_alone(pool):  # noqa: F811
    owner, *voters = pool.users(5)
    locked, choices = pool.question(owner)
    free, others = pool.question(owner)
    held, _ = pool.question(owner)
    lines = Lines(pool)
    with transaction(pool) as cursor:
        with pool.writer_held(held):
            slots = send_together(pool, [ballot(voters[0], locked, choices[0]),
                                         *(ballot(voter, free, others[0]) for voter in voters)])
            cursor.execute("SELECT id FROM question WHERE id = %s FOR UPDATE", (locked,))
        answers = [pool.gateway.answer(slot) for slot in slots]
    assert [answer.status for answer in answers] == ["BUSY", "OK", "OK", "OK", "OK"]
    assert lines.count("votes_one_by_one class=RETRY count=5") == 1
    assert lines.count("db_retry class=RETRY") == 2 + 2, "two of the batch, two of the one alone"
    assert pool.vote(voters[0], locked, choices[0]).status == "OK"
    pool.check_tallies()


def test_a_lock_that_comes_late_costs_nobody_a_vote(pool):  # noqa: F811
    owner, *voters = pool.users(6)
    question, choices = pool.question(owner)
    held, _ = pool.question(owner)
    with transaction(pool) as cursor:
        with pool.writer_held(held):
            slots = send_together(pool, [ballot(voter, question, choices[1]) for voter in voters])
            cursor.execute("SELECT id FROM question WHERE id = %s FOR UPDATE", (question,))
        lines = Lines(pool)
        pool.process.until(lambda: lines.count("db_retry"))
    assert {pool.gateway.answer(slot).status for slot in slots} == {"OK"}
    assert lines.count("votes_one_by_one") == 0
    pool.check_tallies()
