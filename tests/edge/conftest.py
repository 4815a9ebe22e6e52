"""Whoever attacks needs no limit of ours lifted but those it is not about."""
import pytest

from tests.fixtures.site import Site


@pytest.fixture(scope="module")
def site(module_process, sample_database, redis, ipc_dir):
    """One site with the sample data that counts no attempt, no vote and no page."""
    limits = ("votes_account", "votes_address", "reads_account", "reads_address")
    return Site(module_process, sample_database, redis, ipc_dir,
                [word for limit in limits for word in ("--set", f"throttle.{limit}=0")])
