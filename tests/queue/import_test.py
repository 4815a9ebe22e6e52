"""vote-import: a database of the older schema is taken over whole, or not at all."""
import contextlib
import re
import secrets
import subprocess

import pytest

from tests.conftest import ROOT

SCHEMA = """
CREATE TABLE user (id INT AUTO_INCREMENT PRIMARY KEY, delete_flag TINYINT(1) NOT NULL DEFAULT 0, name VARCHAR(64),
  phone VARCHAR(32), email VARCHAR(64), password VARCHAR(64), create_time DATETIME DEFAULT NOW()) CHARSET utf8;
CREATE TABLE question (id INT AUTO_INCREMENT PRIMARY KEY, delete_flag TINYINT(1) NOT NULL DEFAULT 0, user_id INT,
  question_text VARCHAR(256), create_time DATETIME DEFAULT NOW(), KEY (user_id)) CHARSET utf8;
CREATE TABLE choice (id INT AUTO_INCREMENT PRIMARY KEY, delete_flag TINYINT(1) NOT NULL DEFAULT 0,
  choice_text VARCHAR(256), votes INT DEFAULT 0, question_id INT, create_time DATETIME DEFAULT NOW()) CHARSET utf8;
INSERT INTO user VALUES (3, 0, '阿青', '15400000003', 'Aqing@Example.com', '123456', '2018-04-15 19:47:16'),
  (5, 1, '走了', '', 'gone@example.com', NULL, NULL);
INSERT INTO question VALUES (2, 0, 3, '晚饭吃什么?', '2018-04-15 20:00:00');
INSERT INTO choice VALUES (4, 0, '面', 57, 2, '2018-04-15 20:00:00'), (7, 0, '饭', NULL, 2, '2018-04-15 20:00:00');
"""


class Older:
    """A database of the older schema beside ours, and the program that takes it over."""

    def __init__(self, build_dir, config_file, services, database):
        self.name = f"test_older_{secrets.token_hex(4)}"
        self.database = database
        self.command = [build_dir / "bin" / "vote-import", "--config", config_file, "--sql", ROOT / "sql",
                        "--set", "password.opslimit=1", "--set", "password.memlimit=8192", *database.settings]
        self.query(f"CREATE DATABASE {self.name}", database=None)
        for statement in filter(str.strip, SCHEMA.split(";\n")):
            self.query(statement)

    def query(self, sql, database=""):
        with contextlib.closing(self.database.connect(database=self.name if database == "" else None)) as connection:
            with connection.cursor() as cursor:
                cursor.execute(sql)

    def take_over(self, *arguments):
        done = subprocess.run([*self.command, *(arguments or [self.name])], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, [line for line in done.stderr.splitlines()
                                              if line.startswith("vote-import:")]


@pytest.fixture
def older(build_dir, config_file, services, make_database):
    older = Older(build_dir, config_file, services, make_database())
    yield older
    older.query(f"DROP DATABASE {older.name}", database=None)


def test_everything_comes_over_with_its_ids_and_times_in_utc(older):
    assert older.take_over() == (
        0, "imported 2 users, 1 questions, 2 choices; 57 votes without rows stand apart\n", [])
    query = older.database.query
    assert [row[:5] + (str(row[5]),) for row in query(
        "SELECT id, delete_flag, name, phone, email, create_time FROM user WHERE id = 3")] == [
        (3, 0, "阿青", "15400000003", "Aqing@Example.com", "2018-04-15 11:47:16")]
    assert query("SELECT id, delete_flag, phone FROM user WHERE id = 5") == ((5, 1, None),)
    assert query("SELECT id, user_id, question_text, closes_at FROM question") == ((2, 3, "晚饭吃什么?", None),)


def test_a_tally_without_votes_stands_apart(older):
    older.take_over()
    assert older.database.query("SELECT id, votes, imported_votes FROM choice ORDER BY id") == ((4, 0, 57), (7, 0, 0))


def test_no_password_stays_as_it_was(older):
    older.take_over()
    (hashed,), (none,) = older.database.query("SELECT password FROM user ORDER BY id")
    assert re.match(r"\$argon2id\$v=19\$", hashed) and "123456" not in hashed
    assert none == "*"  # fits no password


def test_the_same_again_is_known_and_changes_nothing(older):
    older.take_over()
    before = older.database.query("SELECT * FROM user")
    code, said, _ = older.take_over()
    assert code == 0 and said.startswith("nothing to do, it was imported before: 2 users")
    assert older.database.query("SELECT * FROM user") == before


@pytest.mark.parametrize("change, problem", [
    ("INSERT INTO user (name, email, password) VALUES ('x', 'AQING@example.com', 'p')",
     "user 6: email or phone is another's, too"),
    ("INSERT INTO user (name, phone, email) VALUES ('x', '15400000003', 'x@example.com')",
     "user 6: email or phone is another's, too"),
    ("UPDATE user SET email = 'nobody' WHERE id = 5", "user 5: email does not look like one"),
    ("UPDATE user SET phone = '12' WHERE id = 5", "user 5: phone does not look like one"),
    ("UPDATE user SET name = NULL WHERE id = 5", "user 5: name is empty"),
    ("UPDATE question SET user_id = 99", "question 2: user_id leads nowhere"),
    ("UPDATE question SET question_text = ''", "question 2: question_text is empty"),
    ("UPDATE choice SET question_id = NULL WHERE id = 7", "choice 7: question_id leads nowhere"),
    ("UPDATE choice SET votes = -1 WHERE id = 7", "choice 7: votes is out of range"),
    ("UPDATE choice SET id = 0 WHERE id = 7", "choice 0: id is below 1"),
    ("UPDATE user SET id = -5 WHERE id = 5", "user -5: id is below 1"),
    ("INSERT INTO choice (choice_text, question_id) SELECT seq, 2 FROM seq_1_to_19",
     "question 2: has more than 20 choices"),
])
def test_what_does_not_fit_is_named_by_its_id_and_nothing_is_taken(older, change, problem):
    older.query(change)
    code, said, problems = older.take_over()
    assert (code, said) == (1, "")
    assert f"vote-import: {problem}" in problems
    assert not any("example.com" in line or "123456" in line for line in problems)
    assert [older.database.query(f"SELECT COUNT(*) FROM {table}")[0][0]
            for table in ("user", "question", "choice", "import")] == [0] * 4


def test_all_problems_are_told_at_once(older):
    older.query("UPDATE user SET name = ''")
    assert len(older.take_over()[2]) >= 2


def test_after_a_repair_it_goes_through(older):
    older.query("UPDATE user SET name = '' WHERE id = 3")
    assert older.take_over()[0] == 1
    older.query("UPDATE user SET name = '青' WHERE id = 3")
    assert older.take_over()[0] == 0


def test_a_database_with_accounts_takes_over_no_other(older):
    older.take_over()
    older.query("UPDATE choice SET votes = 58 WHERE id = 4")
    code, _, problems = older.take_over()
    assert code == 1 and "there are accounts already" in problems[0]


def test_more_rows_than_are_read_at_one_time_all_come(older):
    older.query("INSERT INTO user (name, email) SELECT '某人', CONCAT(seq, '@example.com') FROM seq_1_to_1100")
    assert older.take_over()[1].startswith("imported 1102 users")
    assert older.database.query("SELECT COUNT(*) FROM user") == ((1102,),)


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["a`b"]])
def test_wrong_use_is_one_line(older, arguments):
    code, _, problems = older.take_over(*arguments or ["--"])
    assert code == 1 and "expected the name of one database" in problems[0]


def test_another_schema_is_refused(older):
    older.query("DROP TABLE choice")
    code, _, problems = older.take_over()
    assert code == 1 and "no database of the older schema" in problems[0]
