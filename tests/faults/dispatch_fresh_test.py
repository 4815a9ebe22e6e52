"""Reads are strictly fresh: what answers a request was read after the request came. Joining a read
that is already under way would save a query, and could miss a vote just acknowledged."""
from tests.fixtures.dispatch_world import make_world, world  # noqa: F401
from tests.fixtures.fake_pool import pack

PATH = "/questions/1/choice"


def tally(votes):
    """An answer to choice_list."""
    return {"choices": [{"id": 1, "delete_flag": 0, "choice_text": "python", "votes": votes,
                         "question_id": 1, "create_time": "2018-04-15 19:47:16"}]}


def ask(world, number):
    """The number-th read of this test, under way: the gateway has taken it."""
    call = world.call("GET", PATH)
    world.until_asked("db", "read", number)
    return call


def votes(call):
    status, _, rows = call.answer()
    assert status == 200
    return rows[0]["votes"]


def test_a_read_that_came_while_the_same_read_was_under_way_gets_an_answer_of_its_own(world):
    pool = world.pool()
    early = ask(world, 1)
    under_way = pool.take("choice_list")  # from now on its answer may be read already
    late = ask(world, 2)
    pool.answer(under_way, body=tally(1))
    assert votes(early) == 1
    pool.answer(pool.take("choice_list"), body=tally(2))
    assert votes(late) == 2


def test_those_who_came_while_it_was_under_way_share_one_later_read(world):
    pool = world.pool()
    early = ask(world, 1)
    under_way = pool.take("choice_list")
    late = [ask(world, number) for number in (2, 3, 4)]
    pool.answer(under_way, body=tally(1))
    assert votes(early) == 1
    pool.answer(pool.take("choice_list"), body=tally(2))
    assert [votes(call) for call in late] == [2, 2, 2]
    assert pool.held() == []


def test_a_read_that_has_not_been_sent_yet_may_be_joined(world):
    pool = world.pool(capacity=1)
    other = world.call("GET", "/questions/2/choice")
    world.until_asked("db", "read", 1)
    busy = pool.take("choice_list")
    waiting = [ask(world, number) for number in (2, 3)]
    pool.answer(busy, body=tally(0))
    pool.answer(pool.take("choice_list"), body=tally(5))
    assert votes(other) == 0
    assert [votes(call) for call in waiting] == [5, 5]
    assert pool.held() == []


def test_a_late_reader_is_not_answered_by_a_read_that_was_retried(world):
    """The pool dies with the first read; its second attempt is asked anew, and late ones may not
    have its answer once it is under way."""
    dying = world.pool()
    early = ask(world, 1)
    dying.take("choice_list")
    pool = world.pool()
    dying.send(pack("bye", {}))
    again = pool.take("choice_list")
    late = ask(world, 2)
    pool.answer(again, body=tally(1))
    assert votes(early) == 1
    pool.answer(pool.take("choice_list"), body=tally(2))
    assert votes(late) == 2
