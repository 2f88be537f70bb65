"""The small project of the versions' tests, and a Prefect server of the tests' own."""

from collections.abc import Iterator

import pytest
from prefect.testing.utilities import prefect_test_harness

from tests.versions.conftest import _environment, lines, on_line, project

__all__ = ["_environment", "lines", "on_line", "project"]


@pytest.fixture(scope="session")
def prefect_server(_environment: None) -> Iterator[None]:
    """Have flows run against a server of the tests' own."""
    with prefect_test_harness(server_startup_timeout=120):
        yield
