"""A Prefect server as `gan-augment doctor` sees it."""

import prefect
import pytest

from gan_augment_flows.server import look


@pytest.mark.usefixtures("prefect_server")
def test_a_server_that_answers() -> None:
    told = look()
    assert told["server"] == told["version"] == prefect.__version__
    assert told["trouble"] == ""
    assert told["url"].startswith("http://")
    assert not told["analytics"]
