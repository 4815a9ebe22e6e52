"""/metrics as Prometheus reads it, and what deploy/ makes of it: alerts and a dashboard."""
import json
import pathlib
import re
import subprocess

import pytest

from tests.fixtures.client import Client
from tests.fixtures.process import free_port
from tests.fixtures.site import Site

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
OURS = re.compile(r"\bvote_\w+")


def promtool(*arguments, text=None):
    done = subprocess.run(["promtool", *map(str, arguments)], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def metrics(module_process, sample_database, redis, ipc_dir):
    admin = free_port()
    site = Site(module_process, sample_database, redis, ipc_dir, ["--set", f"gateway.admin_port={admin}"])
    question, choices = site.question()
    assert site.program(site.account()).post(f"/questions/{question}/vote", {"choice_id": choices[0]}).status == 200
    return Client(admin).get("/metrics").text


def expressions():
    """Every expression of the alerts and of the dashboard."""
    yield from re.findall(r"expr: (>\n(?:.*\n)*?(?= +for:)|.*)", ALERTS.read_text())
    for panel in json.loads((DEPLOY / "grafana" / "vote.json").read_text())["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))


def test_promtool_finds_nothing_to_say_about_the_metrics(metrics):
    assert promtool("check", "metrics", text=metrics) == ""
    assert re.search(r'^vote_answered_total\{service="db",lane="write"\} [1-9]', metrics, re.M)


def test_the_alerts_fire_when_they_should_and_not_else():
    promtool("check", "rules", ALERTS)
    assert "SUCCESS" in promtool("test", "rules", DEPLOY / "prometheus" / "alerts_test.yml")


def test_alerts_and_dashboard_ask_for_metrics_that_exist_and_leave_none_out(metrics):
    exist = {sample.split("{")[0].split(" ")[0] for sample in metrics.splitlines() if not sample.startswith("#")}
    asked = {name for expression in expressions() for name in OURS.findall(expression)}
    assert asked <= exist, asked - exist
    families = set(re.findall(r"^# TYPE (\w+)", metrics, re.M))
    assert {name for name in families if not any(a.startswith(name) for a in asked)} == set()


def test_the_readme_explains_every_metric_and_says_what_to_do_about_every_alert(metrics):
    readme = (ROOT / "README.md").read_text()
    families = set(re.findall(r"^# TYPE (\w+)", metrics, re.M))
    alerts = set(re.findall(r"- alert: (\w+)", ALERTS.read_text()))
    assert {name for name in families | alerts if f"| `{name}` |" not in readme} == set()
    tested = (DEPLOY / "prometheus" / "alerts_test.yml").read_text()
    assert all(tested.count(alert) == 2 for alert in alerts)
