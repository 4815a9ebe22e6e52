"""Accounts, questions and choices: every db message but vote_cast, on a real pool and MariaDB."""
import datetime

import pytest

from tests.queue.db_support import HASH, new_id, pool, registration, start_db_pool  # noqa: F401

NASTY = ["😀🗳️ 投票", "' OR 1=1 --", '"; DROP TABLE user; --', "<script>alert(1)</script>", "\\", "%_", "é"]


def utc(**ahead):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**ahead)).strftime("%Y-%m-%d %H:%M:%S")


def account_of(pool, user):
    return pool.sql("SELECT name, email, phone, password FROM user WHERE id = %s", user)[0]


# ---- accounts -------------------------------------------------------------------------------------


def test_an_account_is_stored_as_it_was_given(pool):
    user = pool.user(name="晨星 😀", email="Chen.Xing+a@Example.com", phone="15400000099")
    assert account_of(pool, user) == ("晨星 😀", "Chen.Xing+a@Example.com", "15400000099", HASH)
    found = pool.ok("user_by_account", account="15400000099")
    assert found == {"user_id": user, "password_hash": HASH}


def test_an_email_is_the_same_in_any_case_and_taken_once(pool):
    user = pool.user(email="Case@Example.com")
    assert pool.ok("user_by_account", account="cASE@eXAMPLE.COM")["user_id"] == user
    assert pool.status("user_create", **registration(email="case@example.com")) == "ACCOUNT_TAKEN"


def test_a_phone_is_taken_once_and_none_is_nobodys(pool):
    pool.user(phone="15400000098")
    assert pool.status("user_create", **registration(phone="15400000098")) == "ACCOUNT_TAKEN"
    assert pool.user(phone="") != pool.user(phone="")


@pytest.mark.parametrize("one, other", [("😀@example.com", "😁@example.com"), ("é@example.com", "e@example.com"),
                                        ("投@example.com", "票@example.com"), ("ß@example.com", "ss@example.com")])
def test_emoji_accents_and_chinese_do_not_collide(pool, one, other):
    users = pool.user(email=one), pool.user(email=other)
    assert [pool.ok("user_by_account", account=email)["user_id"] for email in (one, other)] == list(users)


def test_a_registration_sent_again_is_the_same_account(pool):
    ask = registration()
    assert pool.ok("user_create", **ask) == pool.ok("user_create", **ask)
    assert pool.sql("SELECT COUNT(*) FROM user WHERE email = %s", ask["email"]) == ((1,),)


def test_a_request_id_of_another_account_registers_nobody(pool):
    ask = registration()
    pool.ok("user_create", **ask)
    other = registration(request_id=ask["request_id"])
    assert pool.fields("user_create", **other) == {"request_id": "was used for another account"}
    assert pool.sql("SELECT COUNT(*) FROM user WHERE email = %s", other["email"]) == ((0,),)


@pytest.mark.parametrize("field, value", [
    ("email", "nobody"), ("email", "a@b"), ("email", "a b@c.d"), ("email", "a@b@c.d"), ("email", "@b.c"),
    ("phone", "12345678901"), ("phone", "1540000000a"), ("phone", "1"), ("name", "   "), ("name", "\u3000"),
])
def test_a_field_that_breaks_its_rule_is_named(pool, field, value):
    before = pool.sql("SELECT COUNT(*) FROM user")
    assert list(pool.fields("user_create", **registration(**{field: value}))) == [field]
    assert pool.sql("SELECT COUNT(*) FROM user") == before


@pytest.mark.parametrize("change", [
    {"name": ""}, {"name": "x" * 41}, {"email": "x" * 41}, {"name": 1}, {"name": None}, {"phone": "154000000011"},
    {"name": "a\nb"}, {"email": "a\u0000@b.c"}, {"request_id": "x"}, {"password_hash": "x" * 129},
])
def test_a_message_of_another_shape_is_refused(pool, change):
    answer = pool.ask("user_create", **{**registration(), **change})
    assert answer.status in ("BAD_MESSAGE", "INVALID"), answer


def test_forty_characters_of_any_script_fit(pool):
    for name, email in [("投" * 40, "票" * 28 + "@example.com"), ("😀" * 40, "😀" * 28 + "@example.com")]:
        user = pool.user(name=name, email=email)
        assert account_of(pool, user)[:2] == (name, email)
        assert pool.ok("user_by_account", account=email)["user_id"] == user


@pytest.mark.parametrize("text", NASTY)
def test_quotes_and_markup_are_only_text(pool, text):
    user = pool.user(name=text)
    assert pool.ok("user_get", user_id=user, with_votes=False)["name"] == text
    question, _ = pool.question(user, choices=[text, text + "2"], text=text)
    assert pool.get(question).body["question"][0]["question_text"] == text
    assert [choice["choice_text"] for choice in pool.choices(question)] == [text, text + "2"]


@pytest.mark.parametrize("account", ["nobody@example.com", "15411111111", "' OR 1=1 --", "neither", "%", "1"])
def test_an_unknown_account_is_unknown(pool, account):
    assert pool.status("user_by_account", account=account) == "USER_UNKNOWN"


def test_a_deleted_user_is_gone_for_everyone(pool):
    ask = registration(phone="15400000097")
    user = pool.ok("user_create", **ask)["user_id"]
    question, choices = pool.question(user)
    pool.sql("UPDATE user SET delete_flag = 1 WHERE id = %s", user)
    assert pool.status("user_by_account", account=ask["email"]) == "USER_UNKNOWN"
    assert pool.status("user_by_account", account="15400000097") == "USER_UNKNOWN"
    assert pool.status("user_get", user_id=user, with_votes=True) == "USER_UNKNOWN"
    assert pool.vote(user, question, choices[0]).status == "USER_UNKNOWN"
    assert pool.get(question).body["question"][0]["user_name"] == ""
    assert pool.ok("question_mine", user_id=user, before=0, limit=50)["questions"] == []
    assert pool.status("question_close", question_id=question, user_id=user) == "NOT_FOUND"
    assert pool.status("question_delete", question_id=question, user_id=user) == "NOT_FOUND"
    assert pool.status("question_create", request_id=new_id(), user_id=user, question_text="?", closes_at="",
                       choices=[{"choice_text": "a"}, {"choice_text": "b"}]) == "USER_UNKNOWN"
    assert pool.status("user_password_set", user_id=user, old_hash=HASH, new_hash="x") == "NOT_FOUND"


def test_a_user_comes_with_the_open_questions_voted_on_the_newest_first(pool):
    user = pool.user()
    made = [pool.question(user) for _ in range(4)]
    for question, choices in made:
        assert pool.vote(user, question, choices[0]).status == "OK"
    pool.ok("question_close", question_id=made[1][0], user_id=user)
    pool.ok("question_delete", question_id=made[2][0], user_id=user)
    voted = pool.ok("user_get", user_id=user, with_votes=True)["voted"]
    assert [mark["question_id"] for mark in voted] == [made[3][0], made[0][0]]
    assert pool.ok("user_get", user_id=user, with_votes=False)["voted"] == []
    assert pool.status("user_get", user_id=2**63 - 1, with_votes=True) == "USER_UNKNOWN"


def test_a_password_is_replaced_only_if_it_is_still_the_old_one(pool):
    user = pool.user()
    assert pool.status("user_password_set", user_id=user, old_hash="other", new_hash="new") == "NOT_FOUND"
    for _ in range(2):  # the second time it is the same request, come again
        assert pool.status("user_password_set", user_id=user, old_hash=HASH, new_hash="new") == "OK"
    assert account_of(pool, user)[3] == "new"


# ---- questions ------------------------------------------------------------------------------------


def test_the_sample_question_keeps_the_shape_of_its_json(pool):
    choices = pool.choices(1)
    assert [list(choice) for choice in choices] == [
        ["id", "delete_flag", "choice_text", "votes", "question_id", "create_time"]] * 3
    assert [(c["id"], c["choice_text"], c["votes"], c["question_id"]) for c in choices] == [
        (1, "python", 3, 1), (2, "java", 2, 1), (3, "go", 1, 1)]
    for choice in choices:
        datetime.datetime.strptime(choice["create_time"], "%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize("question", [7, 6, 999999, 2**63 - 1])
def test_a_question_deleted_unknown_or_a_draft_has_no_choices(pool, question):
    assert pool.choices(question) == []


def test_a_deleted_choice_is_invisible(pool):
    user = pool.user()
    question, choices = pool.question(user, choices="abc")
    pool.sql("UPDATE choice SET delete_flag = 1 WHERE id = %s", choices[1])
    assert [choice["id"] for choice in pool.choices(question)] == [choices[0], choices[2]]
    assert [c["id"] for c in pool.get(question).body["question"][0]["choices"]] == [choices[0], choices[2]]
    assert pool.vote(user, question, choices[1]).status == "NOT_FOUND"


def test_open_questions_are_listed_newest_first_page_by_page(make_database, start_db_pool):
    pool = start_db_pool(make_database(samples=True))
    page = pool.ok("question_list", before=0, limit=4)
    assert ([q["id"] for q in page["questions"]], page["more"]) == ([6, 5, 4, 3], True)
    assert page["questions"][0]["choices"] == []  # a draft is listed
    assert [c["votes"] for c in page["questions"][2]["choices"]] == [4, 4, 1]
    rest = pool.ok("question_list", before=3, limit=2)
    assert ([q["id"] for q in rest["questions"]], rest["more"]) == ([2, 1], False)
    assert rest["questions"][1]["user_name"] == "小满"
    pool.ok("question_close", question_id=4, user_id=1)
    assert [q["id"] for q in pool.ok("question_list", before=0, limit=200)["questions"]] == [6, 5, 3, 2, 1]


def test_a_question_is_made_once_with_its_choices_in_order(pool):
    user = pool.user()
    ask = {"request_id": new_id(), "user_id": user, "question_text": "几个?", "closes_at": utc(days=1),
           "choices": [{"choice_text": str(i)} for i in range(20)]}
    made = pool.ok("question_create", **ask)
    assert pool.ok("question_create", **ask) == made
    seen = pool.get(made["question_id"]).body["question"][0]
    assert (seen["closes_at"], seen["closed"], seen["deleted"]) == (ask["closes_at"], False, False)
    assert [choice["choice_text"] for choice in seen["choices"]] == [str(i) for i in range(20)]
    assert pool.sql("SELECT COUNT(*) FROM question WHERE user_id = %s", user) == ((1,),)
    assert pool.fields("question_create", **{**ask, "question_text": "另一个?"}) == {
        "request_id": "was used for another question"}


def test_two_people_may_come_by_the_same_request_id(pool):
    ask = {"request_id": new_id(), "question_text": "?", "closes_at": "",
           "choices": [{"choice_text": "a"}, {"choice_text": "b"}]}
    ids = {pool.ok("question_create", user_id=pool.user(), **ask)["question_id"] for _ in range(2)}
    assert len(ids) == 2


def test_a_question_made_in_time_is_still_the_answer_after_its_end(pool):
    ask = {"request_id": new_id(), "user_id": pool.user(), "question_text": "?", "closes_at": utc(days=1),
           "choices": [{"choice_text": "a"}, {"choice_text": "b"}]}
    made = pool.ok("question_create", **ask)
    assert pool.ok("question_create", **{**ask, "closes_at": utc(days=-1)}) == made


@pytest.mark.parametrize("change, field", [
    ({"closes_at": "2000-01-01 00:00:00"}, "closes_at"), ({"closes_at": "2099-02-30 00:00:00"}, "closes_at"),
    ({"closes_at": "tomorrow"}, "closes_at"), ({"closes_at": "2099-01-01T00:00:00"}, "closes_at"),
    ({"question_text": "  \u3000"}, "question_text"),
    ({"choices": [{"choice_text": "a"}, {"choice_text": " "}]}, "choices"),
])
def test_a_question_that_cannot_be_is_refused_with_its_field(pool, change, field):
    user = pool.user()
    ask = {"request_id": new_id(), "user_id": user, "question_text": "?", "closes_at": "",
           "choices": [{"choice_text": "a"}, {"choice_text": "b"}], **change}
    assert list(pool.fields("question_create", **ask)) == [field]
    assert pool.sql("SELECT COUNT(*) FROM question WHERE user_id = %s", user) == ((0,),)


@pytest.mark.parametrize("choices", [[], ["a"], ["a"] * 21, ["x" * 201, "b"]])
def test_a_question_has_two_to_twenty_choices_of_at_most_200_characters(pool, choices):
    answer = pool.ask("question_create", request_id=new_id(), user_id=1, question_text="?", closes_at="",
                      choices=[{"choice_text": choice} for choice in choices])
    assert answer.status in ("BAD_MESSAGE", "INVALID"), answer


def test_nobody_owns_a_question_of_an_unknown_user(pool):
    assert pool.status("question_create", request_id=new_id(), user_id=2**63 - 1, question_text="?", closes_at="",
                       choices=[{"choice_text": "a"}, {"choice_text": "b"}]) == "USER_UNKNOWN"


@pytest.mark.parametrize("message", ["question_close", "question_delete"])
def test_only_the_owner_closes_or_deletes_and_may_do_so_again(pool, message):
    owner, other = pool.user(), pool.user()
    question, _ = pool.question(owner)
    assert pool.status(message, question_id=question, user_id=other) == "NOT_FOUND"
    assert pool.status(message, question_id=2**63 - 1, user_id=owner) == "NOT_FOUND"
    assert [pool.status(message, question_id=question, user_id=owner) for _ in range(2)] == ["OK", "OK"]


def test_closing_ends_the_votes_and_keeps_the_first_end(pool):
    owner = pool.user()
    question, choices = pool.question(owner, closes_at=utc(days=1))
    assert pool.ok("question_close", question_id=question, user_id=owner) == {}
    first = pool.get(question).body["question"][0]
    assert first["closed"] and first["closes_at"] <= utc()
    pool.sql("UPDATE question SET closes_at = '2020-01-01 00:00:00' WHERE id = %s", question)
    pool.ok("question_close", question_id=question, user_id=owner)
    assert pool.get(question).body["question"][0]["closes_at"] == "2020-01-01 00:00:00"
    assert pool.vote(owner, question, choices[0]).status == "QUESTION_CLOSED"


def test_a_deleted_question_is_its_owners_alone(pool):
    owner, other = pool.user(), pool.user()
    question, choices = pool.question(owner)
    assert pool.vote(other, question, choices[0]).status == "OK"
    pool.ok("question_delete", question_id=question, user_id=owner)
    assert pool.get(question).status == pool.get(question, other).status == "NOT_FOUND"
    seen = pool.get(question, owner).body["question"][0]
    assert (seen["deleted"], [choice["votes"] for choice in seen["choices"]]) == (True, [1, 0])
    mine = pool.ok("question_mine", user_id=owner, before=0, limit=50)["questions"]
    assert [(q["id"], q["deleted"]) for q in mine] == [(question, True)]
    assert question not in [q["id"] for q in pool.ok("question_list", before=0, limit=200)["questions"]]
    assert pool.vote(owner, question, choices[0]).status == "NOT_FOUND"
    assert pool.status("question_close", question_id=question, user_id=owner) == "NOT_FOUND"


def test_my_questions_come_page_by_page_closed_ones_too(pool):
    owner = pool.user()
    made = [pool.question(owner)[0] for _ in range(3)]
    pool.ok("question_close", question_id=made[0], user_id=owner)
    page = pool.ok("question_mine", user_id=owner, before=0, limit=2)
    assert ([q["id"] for q in page["questions"]], page["more"]) == ([made[2], made[1]], True)
    page = pool.ok("question_mine", user_id=owner, before=made[1], limit=2)
    assert ([(q["id"], q["closed"]) for q in page["questions"]], page["more"]) == ([(made[0], True)], False)


def test_a_question_shows_the_askers_own_vote(pool):
    voter, other = pool.users(2)
    question, choices = pool.question(other)
    receipt = pool.vote(voter, question, choices[1]).body["receipt"]
    mine = pool.get(question, voter).body
    assert (mine["my_choice_id"], mine["receipt"]) == (choices[1], receipt)
    for user in (other, 0):
        assert (pool.get(question, user).body["my_choice_id"], pool.get(question, user).body["receipt"]) == (0, "")


def test_reads_that_wait_together_are_answered_each_for_itself(pool):
    users = pool.users(3)
    question, choices = pool.question(users[0])
    pool.vote(users[1], question, choices[0])
    asks = [("choice_list", {"question_id": q}) for q in (1, question, 999999, 1, 2)]
    asks += [("question_get", {"question_id": question, "user_id": u}) for u in [*users, 0, users[1]]]
    asks += [("question_get", {"question_id": 7, "user_id": 2}), ("question_get", {"question_id": 7, "user_id": 1})]
    asks += [("user_get", {"user_id": u, "with_votes": v}) for u in [*users, 999999] for v in (True, False)]
    asks += [("question_list", {"before": b, "limit": 2}) for b in (0, 4, 0)]
    asks += [("question_mine", {"user_id": u, "before": 0, "limit": 5}) for u in (1, 2, 1)]
    alone = [pool.ask(message, **body) for message, body in asks]
    slots = [pool.send(message, **body) for message, body in asks * 3]
    for slot, expected in zip(slots, alone * 3):
        answer = pool.gateway.answer(slot)
        assert (answer.status, answer.body) == (expected.status, expected.body)
