"""A frame is one message or several: what is ready together for one peer goes together."""
from tests.fixtures.dispatch_world import make_world, wait, world  # noqa: F401
from tests.fixtures.fake_pool import answer_to, messages_of


def test_requests_that_can_be_sent_together_come_in_one_frame_and_in_order(world):
    pool = world.pool(capacity=1)
    calls = []
    for question in range(1, 7):
        calls.append(world.read(question))
        world.until_asked("db", "read", question)
    first = pool.take()
    pool.ready(capacity=10)
    frame = messages_of(pool._socket.recv())
    assert [request.body["question_id"] for request in frame] == [2, 3, 4, 5, 6]
    for request in [first, *frame]:
        pool.answer(request)
    assert [call.status() for call in calls] == [200] * 6


def test_answers_in_one_frame_are_each_for_who_asked(world):
    pool = world.pool()
    calls = world.reads(5)
    requests = pool.take_all()
    assert len(requests) == 5
    pool.send(b"".join(answer_to(request) for request in requests))
    assert [call.status() for call in calls] == [200] * 5
    assert world.pool_status(pool)["reads_in_flight"] == 0


def test_a_frame_that_does_not_end_with_a_message_is_refused_whole(world):
    pool = world.pool()
    calls = world.reads(2)
    answers = [answer_to(request) for request in pool.take_all()]
    whole = b"".join(answers)
    for bad in (whole[:-1], whole + b"V", answers[0] + b"rubbish" + answers[1]):
        pool.send(bad)
    pool.fence()
    assert (world.queue().answered, world.status()["bad_messages"]) == (0, 3)
    pool.send(b"".join(answers))
    assert [call.status() for call in calls] == [200] * 2


def test_what_did_not_go_out_to_a_pool_that_is_gone_has_not_been_tried(world):
    gone, other = world.pool(), world.pool()
    gone.close()
    wait(0.3)  # the connection is over, and its silence is not long enough to be looked into
    calls = world.reads(6)
    requests = other.take_all()
    assert [request.attempt for request in requests] == [1] * 6
    for request in requests:
        other.answer(request)
    assert [call.status() for call in calls] == [200] * 6
    assert world.queue().retried == 0
