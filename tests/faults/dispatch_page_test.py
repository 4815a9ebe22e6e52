"""Pages about answers that keep to the protocol and still make no sense."""
from tests.fixtures.dispatch_world import make_world, world  # noqa: F401


def test_a_list_that_promises_more_and_has_nothing_is_a_last_page(world):
    session, pool = world.pool("session"), world.pool()
    call = world.call("GET", "/questions", cookie="a" * 64)
    session.serve(1)
    pool.answer(pool.take("user_get"))
    pool.answer(pool.take("question_list"), body={"questions": [], "more": True})
    assert call.status() == 200
