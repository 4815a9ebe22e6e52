"""A whole site for each file of this suite."""
import tempfile

import pytest

from tests.fixtures.site import Site


@pytest.fixture(scope="module")
def site(module_process, sample_database, redis, ipc_dir):
    """One site for all tests of the module, with the sample data."""
    return Site(module_process, sample_database, redis, ipc_dir)


@pytest.fixture
def own_dir():
    """For the queues of a site that the module's pools must not find."""
    with tempfile.TemporaryDirectory(prefix="vote-ipc-", dir="/tmp") as directory:
        yield directory


@pytest.fixture
def own_site(process, make_database, redis, ipc_dir):
    """own_site(*gateway settings, pools=…): a site of this test alone, on one database of the module."""
    def start(*settings, database=None, **options):
        return Site(process, database or make_database(samples=True), redis, ipc_dir, settings,
                    **options)
    return start
