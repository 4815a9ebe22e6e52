"""./vote dev on a copy of the checkout: what is saved is seen in the open page, and so is what is broken."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from tests.fixtures import chromium
from tests.fixtures.client import Client
from tests.fixtures.process import Process, free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE_S = 60


class Developed:
    """A copy of the checkout with ./vote dev running on it."""

    def __init__(self, directory, process, port):
        self.directory, self.process, self.port = directory, process, port

    def edit(self, name, old, new):
        """Saves a file as editors do: a new one in the place of the old."""
        file = self.directory / name
        text = file.read_text()
        assert old in text, (name, old)
        part = file.with_name(f".{file.name}.part")
        part.write_text(text.replace(old, new, 1))
        part.rename(file)

    def lines(self):
        return len(self.process.log.splitlines())

    def settle(self, name, start=0):
        """Until the change of a file, told behind line `start`, has been worked out and is good."""
        told = re.compile(rf"vote: changed: .*{re.escape(name)}.*?vote: good", re.S)
        self.process.until(lambda: told.search("\n".join(self.process.log.splitlines()[start:])), PATIENCE_S)


@pytest.fixture(scope="module")
def developed(tmp_path_factory):
    directory = tmp_path_factory.mktemp("dev")
    copy, port = directory / "copy", free_port()
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("build", "var", ".git*"))
    environment = {**os.environ, "CCACHE_BASEDIR": str(copy), "VOTE_PRESET": "dev"}
    with Process([copy / "vote", "dev", "--port", str(port)], directory / "log", environment) as process:
        process.wait_line("watching", timeout=280)
        yield Developed(copy, process, port)
        process.stop(timeout=100)


@pytest.fixture(scope="module")
def running(developed, build_dir):
    with chromium.started(developed.port, build_dir / "artefacts") as browser:
        yield browser


@pytest.fixture
def page(running, developed):
    """The log-in page, which listens."""
    running.open("/login")
    developed.process.until(lambda: running.all("html[data-dev]"), PATIENCE_S)
    running.complaints()
    yield running


def pids(developed):
    control = ["supervisorctl", "-c", str(developed.directory / "var" / "supervisor.conf"), "status"]
    said = subprocess.run(control, capture_output=True, text=True, timeout=30).stdout
    return {line.split(":")[0]: line.split("pid ")[1].split(",")[0] for line in said.splitlines() if "pid " in line}


def overlay(page):
    return [element.text for element in page.all("#dev-problem")]


def test_a_template_is_seen_without_a_restart(developed, page):
    before = pids(developed)
    page.leave(lambda: developed.edit("templates/login.html", "{% block title %}", "{% block title %}新的"))
    assert page.find("title").get_attribute("textContent").startswith("新的")
    assert pids(developed) == before
    assert page.complaints() == []  # the policy of the page allows it all


def test_a_style_sheet_is_taken_without_loading_the_page_again(developed, page):
    page.type(account="half typed")
    born = page.born()
    developed.edit("static/css/vote.css", "color-scheme: light dark;", "color-scheme: light dark; --seen: yes;")
    seen = "return getComputedStyle(document.documentElement).getPropertyValue('--seen').trim()"
    developed.process.until(lambda: page.driver.execute_script(seen) == "yes", PATIENCE_S)
    assert page.born() == born
    assert page.find("[name=account]").get_attribute("value") == "half typed"


def test_a_mistake_in_a_template_is_shown_as_text_and_gone_with_it(developed, page):
    developed.edit("templates/login.html", "{% block title %}", "{% blok <b>title %}")
    developed.process.until(lambda: overlay(page), PATIENCE_S)
    assert "login.html:" in overlay(page)[0] and "blok" in overlay(page)[0]
    assert not page.all("#dev-problem b")
    developed.process.wait_line(r"login\.html:\d+: ")
    page.leave(lambda: developed.edit("templates/login.html", "{% blok <b>title %}", "{% block title %}"))
    assert not overlay(page)


def test_a_mistake_in_c_is_shown_and_the_page_is_back_with_its_repair(developed, page):
    before, start = pids(developed), developed.lines()
    developed.edit("gateway/pages/hello.c", '"Hello Aiohttp!"', "<b>Hello")
    developed.process.until(lambda: overlay(page), PATIENCE_S)
    assert "gateway/pages/hello.c:" in overlay(page)[0] and "<b>Hello" in overlay(page)[0]
    assert not page.all("#dev-problem b")
    developed.process.wait_line(r"hello\.c:\d+:\d+: error", start=start)
    page.keep("dev-problem")
    assert pids(developed) == before  # the old one serves on
    assert Client(developed.port).get("/hello").text == "Hello Aiohttp!"

    page.leave(lambda: developed.edit("gateway/pages/hello.c", "<b>Hello", '"Hello again!"'))
    developed.settle("hello.c", start)
    assert not overlay(page)
    assert Client(developed.port).get("/hello").text == "Hello again!"
    after = pids(developed)
    assert {name for name in after if after[name] != before[name]} == {"vote"}


def test_a_change_of_the_pools_restarts_the_pools_alone(developed, page):
    before, start = pids(developed), developed.lines()
    page.leave(lambda: developed.edit("workers/worker_main.c", "int main(", "extern int changed;\nint main("))
    developed.settle("worker_main.c", start)
    after = pids(developed)
    assert {name for name in after if after[name] != before[name]} == {"db", "session", "password"}


def test_a_mistake_in_the_configuration_is_shown_and_restarts_nothing(developed, page):
    before, start = pids(developed), developed.lines()
    developed.edit("config/vote.yaml", "access_log: true", "access_log: maybe")
    developed.process.until(lambda: overlay(page), PATIENCE_S)
    assert "gateway.access_log" in overlay(page)[0]
    assert pids(developed) == before
    page.leave(lambda: developed.edit("config/vote.yaml", "access_log: maybe", "access_log: true"))
    developed.settle("vote.yaml", start)
    assert not overlay(page)


def test_a_new_migration_is_applied(developed, page):
    start = developed.lines()
    (developed.directory / "sql" / "900_more.sql").write_text("CREATE TABLE more (id INT);\n")
    developed.settle("900_more.sql", start)
    start = developed.lines()
    developed.edit("sql/900_more.sql", "more", "other")
    developed.process.until(lambda: overlay(page), PATIENCE_S)
    assert "900_more.sql was applied and is changed" in overlay(page)[0]
    developed.edit("sql/900_more.sql", "other", "more")
    developed.settle("900_more.sql", start)
