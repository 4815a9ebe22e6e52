"""The test services themselves: what every other suite stands on."""
import contextlib
import os
import sys

import pymysql
import pytest

from tests.fixtures import services as service_fixture
from tests.fixtures.process import Process


def variable(services, name):
    with contextlib.closing(service_fixture.connect(services)) as connection:
        cursor = connection.cursor()
        cursor.execute("SHOW VARIABLES LIKE %s", (name,))
        return cursor.fetchone()[1]


def test_mariadb_is_durable_and_has_no_network_port(services):
    assert variable(services, "innodb_flush_log_at_trx_commit") == "1"
    assert variable(services, "innodb_doublewrite") == "ON"
    assert variable(services, "skip_networking") == "ON"
    assert variable(services, "character_set_server") == "utf8mb4"


def test_the_account_may_make_test_databases_and_no_others(services):
    with contextlib.closing(service_fixture.connect(services)) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE DATABASE test_rights")
        cursor.execute("DROP DATABASE test_rights")
        for refused in ("CREATE DATABASE other", "SELECT * FROM mysql.global_priv",
                        "SET GLOBAL max_connections = 5"):
            with pytest.raises(pymysql.Error):
                cursor.execute(refused)


def test_a_redis_database_is_empty_and_its_own(redis):
    assert redis.number > 0
    assert redis.client.dbsize() == 0
    assert redis.client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"


def test_a_process_is_awaited_by_its_lines_and_stopped_by_sigterm(tmp_path):
    script = ("import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]);"
              "print('ready', flush=True); signal.sigwait([signal.SIGTERM]); print('bye')")
    with Process([sys.executable, "-c", script], tmp_path / "log") as process:
        process.wait_line("ready")
    assert (tmp_path / "log").read_text() == "ready\nbye\n"


def test_a_process_that_ends_with_an_error_fails_its_test(tmp_path):
    process = Process(["bash", "-c", "echo leak; exit 23"], tmp_path / "log")
    process.wait()
    with pytest.raises(AssertionError, match="ended with 23"):
        process.stop()


def test_waiting_for_a_line_that_never_comes_ends_with_the_process(tmp_path):
    process = Process(["bash", "-c", "echo one"], tmp_path / "log")
    with pytest.raises(AssertionError, match="ended: 'two'"):
        process.wait_line("two")
    process.stop()


def test_services_of_a_run_by_hand_are_gone_afterwards():
    with service_fixture.started() as address:
        pids = [pid for pid, _ in address["processes"]]
        assert len(pids) == 2
    assert not os.path.exists(address["directory"])
