"""Pages made of answers: of those that keep to the protocol and still make no sense, and of those that
several people share."""
import html
import re

from tests.fixtures.dispatch_world import make_world, world  # noqa: F401

WHEN = "2018-04-15 19:47:16"


def question(number, text):
    choice = {"id": 3 * number, "delete_flag": 0, "choice_text": "yes", "votes": 1,
              "question_id": number, "create_time": WHEN}
    return {"id": number, "user_id": 1, "user_name": "Ulf", "question_text": text,
            "create_time": WHEN, "closes_at": "", "closed": False, "deleted": False,
            "choices": [choice]}


def test_a_list_that_promises_more_and_has_nothing_is_a_last_page(world):
    session, pool = world.pool("session"), world.pool()
    call = world.call("GET", "/questions", cookie="a" * 64)
    session.serve(1)
    pool.answer(pool.take("user_get"))
    pool.answer(pool.take("question_list"), body={"questions": [], "more": True})
    assert call.status() == 200


def test_people_who_share_an_answer_have_nothing_else_in_common(make_world):  # noqa: F811
    """The list is rendered once for both; the names, the votes and the ids of the forms are their own."""
    world = make_world(gateway__share_reads="true")
    session, pool = world.pool("session"), world.pool(capacity=1)
    world.read()  # holds the only credit while the two arrive
    world.until_asked("db", "read", 1)
    rows = [question(12, "zwoelf"), question(11, "elf")]
    people = {1: ("<Anna>", []), 2: ("Berta", []), 3: ("Carla & Co", [{"question_id": 11}])}
    calls = {}
    for number, uid in enumerate(people, 1):
        calls[uid] = world.call("GET", "/questions", cookie=str(uid) * 64)
        session.answer(session.take("session_read"), body={"user_id": uid, "created": 1})
        world.until_asked("db", "read", 1 + 2 * number)
    pool.serve(1)
    asked = []
    for _ in range(len(people) + 1):
        asked.append(pool.take())
        name, voted = people.get(asked[-1].body.get("user_id"), ("", []))
        pool.answer(asked[-1], body={"questions": rows, "more": False}
                    if asked[-1].message == "question_list"
                    else {"user_id": asked[-1].body["user_id"], "name": name, "voted": voted})
    assert [each.message for each in asked].count("question_list") == 1
    pages = {uid: call.answer()[2] for uid, call in calls.items()}
    forms = {uid: re.findall(r'name="request_id" value="([0-9a-f]{32})"', page)
             for uid, page in pages.items()}
    assert [len(forms[uid]) for uid in people] == [2, 2, 1]
    assert len(set(sum(forms.values(), []))) == 5
    for uid, (name, _) in people.items():
        shown = [html.escape(other) in pages[uid] for other, _ in people.values()]
        assert shown == [uid == other for other in people], f"the page of {name}"
        assert "<Anna>" not in pages[uid]
    assert [page.count("已投票") for page in pages.values()] == [0, 0, 1]


def test_a_page_is_not_made_again_of_an_older_answer(make_world):  # noqa: F811
    world = make_world(gateway__share_reads="true")
    session, pool = world.pool("session"), world.pool()
    for text in ("old", "new"):
        call = world.call("GET", "/", cookie="a" * 64)
        session.serve(1)
        pool.answer(pool.take("user_get"))
        pool.answer(pool.take("question_list"),
                    body={"questions": [question(1, text)], "more": False})
        assert f">{text}<" in call.answer()[2]
