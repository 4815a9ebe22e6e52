"""vote-migrate: numbered files, each applied once, and the sample data."""
import shutil
import subprocess

import pytest

from tests.conftest import ROOT


SHIPPED = sorted(int(file.name[:3]) for file in (ROOT / "sql").glob("[0-9]*.sql"))


@pytest.fixture
def directory(tmp_path):
    """A copy of sql/ to change."""
    return shutil.copytree(ROOT / "sql", tmp_path / "sql")




@pytest.fixture
def migrate(build_dir, config_file, directory, database):
    """migrate(ARGUMENT…): the running program, on the module's database."""
    def start(*arguments):
        command = [build_dir / "bin" / "vote-migrate", "--config", config_file, "--sql", directory,
                   "--set", "password.opslimit=1", "--set", "password.memlimit=8192",
                   *database.settings, *arguments]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def run(*arguments):
        process = start(*arguments)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    run.start = start
    return run


@pytest.fixture(autouse=True)
def empty(database):
    """Each test starts without any table."""
    for name in ("vote", "choice", "question", "user", "import", "settled", "schema_version", "more"):
        database.query(f"DROP TABLE IF EXISTS `{name}`")


def versions(database):
    return [number for number, in database.query("SELECT number FROM schema_version ORDER BY number")]


def refused(result, *words):
    """Exit 1 and one line that has the words, after what was done before it."""
    status, out, err = result
    *done, line = err.splitlines()
    assert (status, out) == (1, "") and all(" info migration_applied " in one for one in done), err
    for word in ("vote-migrate: ", *words):
        assert word in line
    return True


def test_the_files_are_applied_once_however_often_it_runs(migrate, database):
    assert migrate()[0] == migrate()[0] == 0
    assert versions(database) == SHIPPED


def test_a_missing_database_is_made(migrate, database):
    database.query(f"DROP DATABASE `{database.name}`")
    assert migrate()[0] == 0
    assert versions(database) == SHIPPED


def test_two_at_once_apply_everything_once_and_load_the_samples_once(migrate, database):
    both = [migrate.start("--samples") for _ in range(2)]
    outs = sorted(process.communicate(timeout=60)[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert outs[0] == "" and len(outs[1].splitlines()) == 3
    assert versions(database) == SHIPPED


def test_a_file_of_several_statements_is_applied_whole(migrate, database, directory):
    (directory / "900_more.sql").write_text(
        "-- one; not two\nCREATE TABLE IF NOT EXISTS more (id INT);\nINSERT INTO more VALUES (1), (2); SELECT ';';\n"
        "INSERT INTO more VALUES (3)\n;\n-- the end;\n")
    assert migrate()[0] == 0
    assert database.query("SELECT COUNT(*) FROM more") == ((3,),)
    assert versions(database) == SHIPPED + [900]


def test_a_failing_statement_is_named_and_its_file_comes_again(migrate, database, directory):
    file = directory / "900_more.sql"
    file.write_text("CREATE TABLE IF NOT EXISTS more (id INT);\nSELECT 1;\nINSERT INTO nowhere VALUES (1);\nSELECT 2;\n")
    assert refused(migrate(), "900_more.sql", "statement 3", "nowhere")
    assert versions(database) == SHIPPED
    file.write_text("CREATE TABLE IF NOT EXISTS more (id INT);\n")
    assert migrate()[0] == 0
    assert versions(database) == SHIPPED + [900]


def test_an_applied_file_may_neither_change_nor_go(migrate, database, directory):
    (directory / "900_more.sql").write_text("CREATE TABLE more (id INT);\n")
    assert migrate()[0] == 0
    with open(directory / "001_tables.sql", "a") as file:
        file.write("\n")
    assert refused(migrate(), "001_tables.sql", "changed")
    shutil.copy(ROOT / "sql" / "001_tables.sql", directory)
    (directory / "900_more.sql").unlink()
    assert refused(migrate(), "900_more.sql", "missing")


def test_numbers_only_grow_and_are_used_once(migrate, directory):
    (directory / "905_more.sql").write_text("CREATE TABLE more (id INT);\n")
    assert migrate()[0] == 0
    (directory / "903_late.sql").write_text("SELECT 1;\n")
    assert refused(migrate(), "903_late.sql", "below 905")
    (directory / "903_late.sql").rename(directory / "905_again.sql")
    assert refused(migrate(), "905_again.sql", "905_more.sql", "same number")


def test_what_is_not_there_is_one_clear_line(migrate, tmp_path):
    assert refused(migrate("--sql", tmp_path / "nowhere"), "nowhere", "No such file")
    (tmp_path / "empty").mkdir()
    assert refused(migrate("--sql", tmp_path / "empty"), "no file NNN_name.sql")
    assert refused(migrate("--set", f"databases.default.socket={tmp_path}/none"), "no connection")
    assert refused(migrate("more"), "more")


def test_samples_are_loaded_once_and_passwords_shown_once(migrate, database):
    status, out, _ = migrate("--samples")
    assert status == 0
    accounts = dict(line.split("\t") for line in out.splitlines())
    assert list(accounts) == ["xiaoman@example.com", "chenxing@example.com", "yuanshan@example.com"]
    assert len(set(accounts.values())) == 3
    assert migrate("--samples")[:2] == (0, "")
    hashes = [hash for hash, in database.query("SELECT password FROM user ORDER BY id")]
    assert all(hash.startswith("$argon2id$") for hash in hashes[:3])
    assert set(hashes[3:]) == {"*"}
    assert not any(password in hash for password in accounts.values() for hash in hashes)


def test_the_sample_data_is_as_described_and_every_tally_has_its_rows(migrate, database):
    assert migrate("--samples")[0] == 0
    questions = database.query("SELECT id, user_id, question_text, delete_flag FROM question ORDER BY id")
    assert questions == (
        (1, 1, "你最想学的编程语言?", 0), (2, 2, "你最喜欢的水果?", 0), (3, 3, "周末大家一起去哪里?", 0),
        (4, 1, "图书馆晚上开到几点合适?", 0), (5, 2, "班刊的名字选哪个?", 0), (6, 1, "这个问题还没有选项", 0),
        (7, 2, "已删除的问题", 1))
    choices = database.query("SELECT question_id, choice_text, votes FROM choice ORDER BY id")
    assert choices == (
        (1, "python", 3), (1, "java", 2), (1, "go", 1), (2, "香蕉", 3), (2, "苹果", 2), (2, "草莓", 1),
        (3, "登山", 3), (3, "博物馆", 2), (3, "湖边野餐", 1), (4, "20:00", 4), (4, "21:00", 4), (4, "22:00", 1),
        (5, "《风,雨》", 0), (5, "《山|海》", 0), (5, "《<新芽>》", 0), (7, "甲", 1), (7, "乙", 0))
    assert database.query("SELECT c.id FROM choice c WHERE votes <>"
                          " (SELECT COUNT(*) FROM vote v WHERE v.choice_id = c.id)") == ()
    assert database.query("SELECT COUNT(*) FROM vote WHERE user_id <= 3") == ((0,),)
    people = database.query("SELECT name, phone, email FROM user WHERE id <= 3 ORDER BY id")
    assert people == (("小满", "15400000001", "xiaoman@example.com"), ("晨星", "15400000002", "chenxing@example.com"),
                      ("远山", "15400000003", "yuanshan@example.com"))


def test_samples_do_not_mix_with_real_accounts(migrate, database):
    assert migrate()[0] == 0
    database.query("INSERT INTO user (name, email, password, request_id) VALUES ('a', 'a@b.c', '*', 'x')")
    assert migrate("--samples")[:2] == (0, "")
    assert database.query("SELECT COUNT(*) FROM user") == ((1,),)
