"""vote_cast on a real pool and MariaDB: exactly once, each ballot of a batch answered for itself."""
import collections
import contextlib

import pytest

from tests.queue.db_support import ballot, new_id, pool, start_db_pool  # noqa: F401

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def rows(pool, question):
    return pool.sql("SELECT user_id, choice_id FROM vote WHERE question_id = %s ORDER BY user_id", question)


def cast_together(pool, question, ballots):
    """All ballots as one batch of the pool; their answers in order."""
    with pool.writer_held(question):
        slots = [pool.send("vote_cast", **one) for one in ballots]
        pool.await_queued(len(ballots))
    answers = [pool.gateway.answer(slot) for slot in slots]
    assert {answer.batch for answer in answers} == {len(ballots)}
    return answers


def test_a_vote_is_stored_counted_and_receipted(pool):
    user = pool.user()
    question, choices = pool.question(user)
    answer = pool.vote(user, question, choices[1])
    assert answer.status == "OK"
    assert pool.sql("SELECT user_id, choice_id, LOWER(HEX(receipt)) FROM vote WHERE question_id = %s", question) == (
        (user, choices[1], answer.body["receipt"]),)
    assert [choice["votes"] for choice in pool.choices(question)] == [0, 1]


def test_the_same_request_again_gets_the_same_receipt_and_counts_once(pool):
    user = pool.user()
    question, choices = pool.question(user)
    request_id = new_id()
    receipts = {pool.vote(user, question, choices[0], request_id).body["receipt"] for _ in range(3)}
    assert len(receipts) == 1
    assert [choice["votes"] for choice in pool.choices(question)] == [1, 0]


def test_only_a_batch_that_found_votes_and_stored_none_settles_them_once(pool):
    owner, *voters = pool.users(4)
    question, choices = pool.question(owner)
    old = [ballot(voter, question, choices[0]) for voter in voters[:2]]
    new = ballot(voters[2], question, choices[0])
    other = {**old[0], "choice_id": choices[1]}
    late = ballot(owner, question, 2**62)
    for ballots, statuses, writes in (
            (old, ["OK"] * 2, 0), (old, ["OK"] * 2, 1), ([other, late], ["ALREADY_VOTED", "NOT_FOUND"], 0),
            ([other, late, old[1]], ["ALREADY_VOTED", "NOT_FOUND", "OK"], 1), ([old[0], new], ["OK"] * 2, 0)):
        before = pool.settled()
        answers = cast_together(pool, question, ballots)
        assert [answer.status for answer in answers] == statuses
        assert pool.settled() - before == writes
    pool.check_tallies()


def test_a_second_vote_is_refused_whatever_it_chooses(pool):
    user = pool.user()
    question, choices = pool.question(user)
    request_id = new_id()
    assert pool.vote(user, question, choices[0], request_id).status == "OK"
    assert pool.vote(user, question, choices[0]).status == "ALREADY_VOTED"
    assert pool.vote(user, question, choices[1]).status == "ALREADY_VOTED"
    assert pool.vote(user, question, choices[1], request_id).status == "ALREADY_VOTED"
    assert rows(pool, question) == ((user, choices[0]),)
    pool.check_tallies()


def test_a_vote_that_was_stored_stays_the_answer_after_closing_and_deleting(pool):
    user = pool.user()
    question, choices = pool.question(user)
    request_id = new_id()
    receipt = pool.vote(user, question, choices[0], request_id).body["receipt"]
    for end in ("question_close", "question_delete"):
        pool.ok(end, question_id=question, user_id=user)
        answer = pool.vote(user, question, choices[0], request_id)
        assert (answer.status, answer.body.get("receipt")) == ("OK", receipt)
    assert pool.vote(user, question, choices[0]).status == "NOT_FOUND"
    pool.check_tallies()


def test_what_cannot_be_voted_on_is_not_found(pool):
    user = pool.user()
    question, choices = pool.question(user)
    _, others = pool.question(user)
    assert pool.vote(user, question, others[0]).status == "NOT_FOUND"
    assert pool.vote(user, question, 2**63 - 1).status == "NOT_FOUND"
    assert pool.vote(user, 2**63 - 1, choices[0]).status == "NOT_FOUND"
    assert pool.vote(user, 6, 1).status == "NOT_FOUND"  # a draft
    assert pool.vote(user, 7, 16).status == "NOT_FOUND"  # deleted
    assert pool.vote(2**63 - 1, question, choices[0]).status == "USER_UNKNOWN"
    assert rows(pool, question) == ()


@pytest.mark.parametrize("change", [{"user_id": 0}, {"choice_id": -1}, {"question_id": 2**63}, {"request_id": ""},
                                    {"choice_id": "1"}, {"choice_id": 1.5}, {"choice_id": None}])
def test_a_ballot_of_another_shape_is_refused(pool, change):
    answer = pool.ask("vote_cast", **{**ballot(1, 1, 1), **change})
    assert answer.status in ("BAD_MESSAGE", "INVALID"), answer


def test_the_databases_clock_closes_a_question(pool):
    user = pool.user()
    question, choices = pool.question(user)
    pool.sql("UPDATE question SET closes_at = UTC_TIMESTAMP() + INTERVAL 1 HOUR WHERE id = %s", question)
    assert pool.vote(user, question, choices[0]).status == "OK"
    pool.sql("UPDATE question SET closes_at = UTC_TIMESTAMP() WHERE id = %s", question)
    assert pool.vote(pool.user(), question, choices[0]).status == "QUESTION_CLOSED"


@pytest.mark.parametrize("choices, voters", [(1, 2), (3, 40), (4, 64), (5, 9), (20, 65)])
def test_a_batch_of_up_to_64_on_one_question_is_four_statements(pool, choices, voters):
    owner, *people = pool.users(1 + voters)
    question, ids = pool.question(owner, choices=[str(i) for i in range(max(2, choices))])
    pool.vote(owner, question, ids[0])
    with pool.writer_held(question):
        slots = [pool.gateway.send(pool.peer, "vote_cast", ballot(person, question, ids[i % choices]), trace=TRACE)
                 for i, person in enumerate(people)]
        pool.await_queued(voters)
    answers = [pool.gateway.answer(slot) for slot in slots]
    assert {(answer.status, answer.batch) for answer in answers} == {("OK", voters)}
    steps = [step["text"].split()[0] for step in answers[0].report["steps"]]
    inserts = 1 + (voters > 64)  # of 64 rows at most
    assert steps == ["(SELECT", *["INSERT"] * inserts, "UPDATE", "COMMIT"]
    expected = collections.Counter(i % choices for i in range(voters)) + collections.Counter([0])
    assert {i: c["votes"] for i, c in enumerate(pool.choices(question)) if c["votes"]} == expected
    pool.check_tallies()


def test_a_batch_of_64_answers_each_ballot_for_itself(pool):
    owner, *voters = pool.users(52)
    question, choices = pool.question(owner, choices="abc")
    closed, closed_choices = pool.question(owner)
    pool.ok("question_close", question_id=closed, user_id=owner)
    pool.vote(voters[50], question, choices[0])
    ballots = [ballot(voter, question, choices[i % 3]) for i, voter in enumerate(voters[:50])]
    expected = ["OK"] * 50
    again = ballots[7]
    extra = [
        (again, "OK"),  # the same click twice
        ({**again, "choice_id": choices[2]}, "ALREADY_VOTED"),
        ({**again, "request_id": new_id()}, "ALREADY_VOTED"),
        (ballot(voters[50], question, choices[0]), "ALREADY_VOTED"),
        (ballot(voters[50], question, choices[1]), "ALREADY_VOTED"),
        (ballot(owner, question, closed_choices[0]), "NOT_FOUND"),  # of another question
        (ballot(owner, question, 2**62), "NOT_FOUND"),
        (ballot(owner, 2**62, choices[0]), "NOT_FOUND"),
        (ballot(owner, 7, 16), "NOT_FOUND"),
        (ballot(owner, 6, choices[0]), "NOT_FOUND"),
        (ballot(owner, closed, closed_choices[0]), "QUESTION_CLOSED"),
        (ballot(2**62, question, choices[0]), "USER_UNKNOWN"),
        (ballot(owner, 5, 13), "OK"),  # another question
        (ballot(owner, question, choices[0]), "OK"),  # after wrong ones
    ]
    ballots += [one for one, _ in extra]
    expected += [status for _, status in extra]
    assert len(ballots) == 64
    answers = cast_together(pool, question, ballots)
    assert [answer.status for answer in answers] == expected
    assert answers[50].body["receipt"] == answers[7].body["receipt"]
    receipts = [answer.body["receipt"] for answer in answers if answer.status == "OK"]
    assert len(set(receipts)) == len(receipts) - 1
    stored = dict(rows(pool, question))
    assert stored == {**{one["user_id"]: one["choice_id"] for one in ballots[:50]},
                      voters[50]: choices[0], owner: choices[0]}
    pool.check_tallies()


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 33, 100])
def test_batches_of_any_size_are_stored_whole(pool, count):
    owner, *voters = pool.users(count + 1)
    question, choices = pool.question(owner, choices="ab")
    fell_apart = pool.process.log.count("votes_one_by_one")
    answers = cast_together(pool, question, [ballot(v, question, choices[v % 2]) for v in voters])
    assert {answer.status for answer in answers} == {"OK"}
    assert rows(pool, question) == tuple((v, choices[v % 2]) for v in sorted(voters))
    pool.check_tallies()
    assert pool.process.log.count("votes_one_by_one") == fell_apart


def test_many_clicks_of_one_person_count_once(pool):
    user = pool.user()
    question, choices = pool.question(user)
    answers = cast_together(pool, question, [ballot(user, question, choices[i % 2]) for i in range(40)])
    assert collections.Counter(answer.status for answer in answers) == {"OK": 1, "ALREADY_VOTED": 39}
    assert rows(pool, question) == ((user, choices[0]),)  # the first that came
    pool.check_tallies()


def test_two_pools_share_the_votes_and_count_each_once(pool, start_db_pool):
    second = start_db_pool(pool.database, gateway=pool.gateway, threads=4)
    owner, *voters = pool.users(81)
    made = [pool.question(owner, choices="abc") for _ in range(4)]
    slots = {}
    for i, voter in enumerate(voters):
        for question, choices in made:
            one = ballot(voter, question, choices[(voter + question) % 3])
            for to in (pool, second):  # the same request at both
                slots[to.send("vote_cast", **one)] = (voter, question)
            slots[(pool, second)[i % 2].send("vote_cast", **ballot(voter, question, choices[0]))] = (voter, question)
    answers = collections.defaultdict(list)
    for slot, key in slots.items():
        answers[key].append(pool.gateway.answer(slot))
    for key, (first, again, other) in answers.items():
        assert first.status == again.status, key
        if first.status == "OK":
            assert first.body == again.body and other.status == "ALREADY_VOTED"
        else:
            assert (first.status, other.status) == ("ALREADY_VOTED", "OK")
    for question, _ in made:
        assert [user for user, _ in rows(pool, question)] == sorted(voters)
    pool.check_tallies()
    assert {answer.peer for three in answers.values() for answer in three} == {pool.peer, second.peer}


def test_closing_waits_for_no_vote_and_no_vote_comes_after_it(pool):
    """A vote that waited for the closing's lock is judged by the moment after it."""
    owner, voter = pool.users(2)
    question, choices = pool.question(owner)
    with contextlib.closing(pool.database.connect(autocommit=False)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM question WHERE id = %s FOR UPDATE", (question,))
        slot = pool.send("vote_cast", **ballot(voter, question, choices[0]))
        pool.await_locking()
        cursor.execute("SET time_zone = '+00:00'")
        cursor.execute("DO SLEEP(1 - MICROSECOND(SYSDATE(6)) / 1000000)")  # the next whole second
        cursor.execute("UPDATE question SET closes_at = SYSDATE() WHERE id = %s", (question,))
        connection.commit()
    assert pool.gateway.answer(slot).status == "QUESTION_CLOSED"
    assert rows(pool, question) == ()


@pytest.mark.parametrize("message", ["question_get", "question_mine"])
def test_what_a_closed_question_shows_is_final(pool, message):
    """A vote judged in time that commits after the end is waited for."""
    owner, voter = pool.users(2)
    question, choices = pool.question(owner)
    asks = {"question_get": {"question_id": question, "user_id": 0},
            "question_mine": {"user_id": owner, "before": 0, "limit": 1}}
    pool.sql("UPDATE question SET closes_at = UTC_TIMESTAMP() + INTERVAL 1 SECOND WHERE id = %s", question)
    with contextlib.closing(pool.database.connect(autocommit=False)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM question WHERE id = %s LOCK IN SHARE MODE", (question,))
        cursor.execute("INSERT INTO vote (question_id, user_id, choice_id, request_id, receipt)"
                       " VALUES (%s, %s, %s, 'x', 'x')", (question, voter, choices[0]))
        cursor.execute("UPDATE choice SET votes = votes + 1 WHERE id = %s", (choices[0],))
        cursor.execute("DO SLEEP(1.1)")  # the end passes
        slot = pool.send(message, **asks[message])
        pool.await_locking("FOR UPDATE")
        connection.commit()
    body = pool.gateway.answer(slot).body
    seen = (body.get("question") or body.get("questions"))[0]
    assert (seen["closed"], [choice["votes"] for choice in seen["choices"]]) == (True, [1, 0])
    pool.check_tallies()


def test_a_row_the_database_leaves_out_fails_alone(pool):
    """INSERT IGNORE must hide nothing but duplicates."""
    owner, *voters = pool.users(5)
    question, choices = pool.question(owner)
    bad = voters[2]
    pool.admin(f"CREATE TRIGGER spoil BEFORE INSERT ON vote FOR EACH ROW"
               f" SET NEW.choice_id = IF(NEW.user_id = {bad}, 0, NEW.choice_id)")
    try:
        answers = cast_together(pool, question, [ballot(v, question, choices[0]) for v in voters])
    finally:
        pool.admin("DROP TRIGGER spoil")
    assert [answer.status for answer in answers] == ["OK", "OK", "INTERNAL", "OK"]
    assert [user for user, _ in rows(pool, question)] == sorted(set(voters) - {bad})
    pool.check_tallies()
    assert "votes_one_by_one" in pool.process.log


def test_a_row_the_database_takes_but_alters_is_no_vote(make_database, start_db_pool):  # noqa: F811
    """INSERT IGNORE turns what does not fit into something else, and a warning."""
    pool = start_db_pool(make_database())  # noqa: F811
    user = pool.user()
    question, choices = pool.question(user)
    pool.sql("ALTER TABLE vote MODIFY receipt BINARY(15) NOT NULL")
    assert pool.vote(user, question, choices[0]).status == "INTERNAL"
    assert rows(pool, question) == ()
    pool.sql("ALTER TABLE vote MODIFY receipt BINARY(16) NOT NULL")
    assert pool.vote(user, question, choices[0]).status == "OK"


def test_a_lost_connection_is_replaced_and_nothing_is_lost(pool):
    user = pool.user()
    question, choices = pool.question(user)
    for (connection,) in pool.admin("SELECT id FROM information_schema.processlist"
                                    f" WHERE id <> CONNECTION_ID() AND db = '{pool.database.name}'"):
        pool.admin(f"KILL {connection}")
    assert pool.vote(user, question, choices[0]).status == "OK"
    assert [choice["votes"] for choice in pool.choices(question)] == [1, 0]
    assert "@example.com" not in pool.process.log


def test_a_choice_deleted_while_a_vote_for_it_is_under_way_gets_none(pool):
    owner, voter = pool.users(2)
    question, choices = pool.question(owner)
    with contextlib.closing(pool.database.connect(autocommit=False)) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE choice SET delete_flag = 1 WHERE id = %s", (choices[0],))
        slot = pool.send("vote_cast", **ballot(voter, question, choices[0]))
        pool.await_locking("UPDATE choice")
        connection.commit()
    assert pool.gateway.answer(slot).status == "NOT_FOUND"
    assert rows(pool, question) == ()
    pool.check_tallies()


def test_votes_for_all_choices_in_one_batch_are_tallied_each(pool):
    owner, *voters = pool.users(8)
    question, choices = pool.question(owner, choices=("a", "b", "c", "d", "e"))
    other, others = pool.question(owner)
    of = [*choices[:3], choices[1], choices[1], choices[0], others[1]]
    answers = cast_together(pool, question, [
        ballot(voter, other if choice in others else question, choice) for voter, choice in zip(voters, of)])
    assert {answer.status for answer in answers} == {"OK"}
    assert [choice["votes"] for choice in pool.choices(question)] == [2, 3, 1, 0, 0]
    assert [choice["votes"] for choice in pool.choices(other)] == [0, 1]


def test_deadlocked_votes_are_cast_again(pool):
    """A transaction that holds the choice and wants the question's row makes a circle with a vote."""
    owner, voter = pool.users(2)
    question, choices = pool.question(owner)
    with contextlib.closing(pool.database.connect(autocommit=False)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM choice WHERE id = %s FOR UPDATE", (choices[0],))
        cursor.execute("UPDATE user SET name = 'heavy' WHERE id < %s", (owner,))  # the vote is the victim
        slot = pool.send("vote_cast", **ballot(voter, question, choices[0]))
        pool.await_locking("UPDATE choice")
        cursor.execute("SELECT id FROM question WHERE id = %s FOR UPDATE", (question,))
        connection.rollback()
    assert pool.gateway.answer(slot).status == "OK"
    pool.process.wait_line("db_retry class=RETRY")
    pool.check_tallies()


def test_a_locked_question_holds_up_the_votes_on_others_no_longer_than_patience(sample_database, start_db_pool):
    pool = start_db_pool(sample_database, threads=4, settings=(
        "--set", "databases.default.lock_wait_s=60", "--set", "databases.default.statement_timeout_s=60",
        "--set", "databases.default.read_timeout_ms=60000",
        "--set", "pools.heartbeat_ms=60000", "--set", "pools.dead_ms=120001"))
    owner, *voters = pool.users(4)
    locked, others = pool.question(owner), pool.question(owner)
    with contextlib.closing(pool.database.connect(autocommit=False)) as connection:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM question WHERE id = %s FOR UPDATE", (locked[0],))
        stuck = pool.send("vote_cast", **ballot(voters[0], locked[0], locked[1][0]))
        pool.await_locking()
        for voter in voters[1:]:  # each waits for the first, which has a minute
            assert pool.vote(voter, others[0], others[1][0]).status == "OK"
        connection.rollback()
    assert pool.gateway.answer(stuck).status == "OK"
    pool.check_tallies()


@pytest.mark.parametrize("holds_question, waits_in", [(True, "FOR UPDATE"), (False, "FROM vote WHERE")])
def test_nobody_is_told_closed_while_the_same_vote_may_be_stored_yet(pool, holds_question, waits_in):
    """A pool that was stopped in its transaction, and given up; the question closes by the clock meanwhile."""
    owner, voter, other = pool.users(3)
    question, choices = pool.question(owner)
    request_id, receipt = new_id(), new_id()
    pool.sql("UPDATE question SET closes_at = UTC_TIMESTAMP() + INTERVAL 1 SECOND WHERE id = %s", question)
    with contextlib.closing(pool.database.connect(autocommit=False)) as connection:
        with connection.cursor() as cursor:
            if holds_question:
                cursor.execute("SELECT id FROM question WHERE id = %s LOCK IN SHARE MODE", (question,))
            cursor.execute("INSERT INTO vote (question_id, user_id, choice_id, request_id, receipt)"
                           " VALUES (%s, %s, %s, UNHEX(%s), UNHEX(%s))",
                           (question, voter, choices[0], request_id, receipt))
            cursor.execute("UPDATE choice SET votes = votes + 1 WHERE id = %s", (choices[0],))
        pool.gateway.until(lambda: pool.sql(
            "SELECT closes_at <= SYSDATE() FROM question WHERE id = %s", question) == ((1,),))
        slot = pool.send("vote_cast", **ballot(voter, question, choices[0], request_id))
        pool.await_locking(waits_in)
        connection.commit()
    answer = pool.gateway.answer(slot)
    assert (answer.status, answer.body.get("receipt")) == ("OK", receipt)
    assert pool.vote(other, question, choices[0]).status == "QUESTION_CLOSED"
    pool.check_tallies()
