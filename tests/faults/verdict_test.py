"""The verdict against histories written by hand: the good one passes, each bad one is named."""
import dataclasses

import pytest

from tests.faults import verdict
from tests.faults.record import NOT_SENT, OK, REFUSED, UNKNOWN, Attempt, Record
from tests.faults.verdict import ALREADY_VOTED, Tables


def email(number):
    return f"v{number}"


def attempt(outcome, request_id="r1", voter=1, choice=10, code=0, receipt="", kind="vote"):
    return Attempt(kind, request_id, voter, 1 if kind == "vote" else 0, choice, 0.0, 1.0, outcome, 200,
                   code, receipt, "gateway-1")


def row(request_id="r1", voter=1, choice=10, receipt="aa"):
    return (1, email(voter), choice, request_id, receipt)


def tables(votes=(), tallies=(), users=(), questions=()):
    return Tables(list(votes), list(tallies), list(users), list(questions))


def kinds(attempts, rows):
    return {kind for kind, _ in verdict.votes(attempts, tables(rows), email)}


GOOD = [
    ("an acknowledged vote that stands", [attempt(OK, receipt="aa")], [row()]),
    ("an unknown one that was stored", [attempt(UNKNOWN)], [row()]),
    ("an unknown one that was not", [attempt(UNKNOWN)], []),
    ("a replay with the same receipt", [attempt(OK, receipt="aa"), attempt(OK, receipt="aa")], [row()]),
    ("a second request that is refused",
     [attempt(OK, receipt="aa"), attempt(REFUSED, "r2", choice=11, code=ALREADY_VOTED)], [row()]),
    ("one that was logged out, and then accepted",
     [attempt(REFUSED, code=20010), attempt(OK, receipt="aa")], [row()]),
    ("a browser's, without a receipt", [attempt(OK)], [row()]),
]
BAD = [
    ("lost vote", [attempt(OK, receipt="aa")], []),
    ("changed vote", [attempt(OK)], [row(choice=11)]),
    ("changed vote", [attempt(OK)], [row(voter=2)]),
    ("another receipt", [attempt(OK, receipt="bb")], [row()]),
    ("another receipt", [attempt(OK, receipt="aa"), attempt(OK, receipt="bb")], [row()]),
    ("doubled vote", [attempt(OK), attempt(UNKNOWN, "r2")], [row(), row("r2")]),
    ("refused vote", [attempt(UNKNOWN), attempt(REFUSED, code=ALREADY_VOTED)], [row()]),
    ("refused vote", [attempt(NOT_SENT)], [row()]),
    ("refused for nothing", [attempt(REFUSED, code=ALREADY_VOTED)], []),
    ("vote of nobody", [], [row()]),
]


@pytest.mark.parametrize("name, attempts, rows", GOOD, ids=[g[0] for g in GOOD])
def test_a_good_history_passes(name, attempts, rows):
    assert kinds(attempts, rows) == set()


@pytest.mark.parametrize("kind, attempts, rows", BAD, ids=[f"{b[0]}-{i}" for i, b in enumerate(BAD)])
def test_a_bad_history_is_named(kind, attempts, rows):
    assert kind in kinds(attempts, rows)


def test_a_tally_is_the_count_of_its_rows():
    assert verdict.tallies(tables([row()], [(1, 10, 1), (1, 11, 0)])) == []
    assert [kind for kind, _ in verdict.tallies(tables([row()], [(1, 10, 2)]))] == ["wrong tally"]


def test_what_a_closed_question_showed_stays():
    assert verdict.closed_results({1: {10: 1}}, tables([row()])) == []
    assert verdict.closed_results({1: {10: 0}}, tables([row()]))[0][0] == "closed results changed"


def test_a_registration_is_there_once_and_by_its_own_request():
    made = attempt(OK, kind="register")
    assert verdict.registrations([made], tables(users=[("v1", "soaker-1", "r1")]), email) == []
    for users in ([], [("v1", "soaker-1", "r9")], [("v1", "soaker-1", "r1")] * 2):
        found = verdict.registrations([made], tables(users=users), email)
        assert "lost account" in {kind for kind, _ in found}
    found = verdict.registrations([], tables(users=[("v1", "soaker-1", "r1")]), email)
    assert found[0][0] == "account of nobody"


def test_a_question_is_there_once():
    assert verdict.questions({"r": 7, "s": None}, tables(questions=[(7, "r")])) == []
    assert verdict.questions({"r": 7}, tables(questions=[]))
    assert verdict.questions({"r": None}, tables(questions=[(7, "r"), (8, "r")]))


def test_reads_are_bounded_from_both_sides():
    record = Record()
    record.will_ask(10, "r1")
    record.check_read("before", record.floor([10]), {10: 1})
    record.add(attempt(OK))
    record.add(dataclasses.replace(attempt(OK)))  # a replay counts once
    floor = record.floor([10])
    record.check_read("good", floor, {10: 1})
    assert record.violations == []
    record.check_read("stale", floor, {10: 0})
    record.check_read("too many", floor, {10: 2})
    assert [kind for kind, _ in record.violations] == ["stale read", "invented vote"]


def books(**changed):
    queue = {"service": "db", "lane": "write", "asked": 5, "answered": 2, "busy": 1, "expired": 1,
             "lost": 1, "queued": 0, "in_flight": 0}
    return {"queues": [{**queue, **changed}], "late_starts": 0, "missed_edges": 0, "bad_messages": 0}


def test_the_books_must_balance():
    assert verdict.accounting("g", books()) == []
    assert verdict.accounting("g", books(answered=1))
    assert verdict.accounting("g", books(answered=1, in_flight=1))  # balanced, but it should be quiet
    assert verdict.accounting("g", {**books(), "late_starts": 1})[0][0] == "late starts"
