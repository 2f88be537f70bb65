"""A Prefect server as `gan-augment doctor` and flows run by hand see it."""

import http.server
import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import prefect
import pytest
from prefect import Flow
from prefect.client.schemas import State
from prefect.settings import PREFECT_API_URL, temporary_settings

from gan_augment.errors import UserError
from gan_augment_flows.rebuild import rebuild, run_once
from gan_augment_flows.server import check, look
from gan_augment_flows.study import study
from tests.ports import free_port
from tests.serving import serving


@pytest.mark.usefixtures("prefect_server")
def test_a_server_that_answers() -> None:
    told = look()
    assert told["server"] == told["version"] == prefect.__version__
    assert told["trouble"] == ""
    assert told["url"].startswith("http://")
    assert not told["analytics"]


@pytest.mark.usefixtures("prefect_server")
def test_a_server_that_answers_is_used() -> None:
    check()


def test_where_none_is_named_none_is_asked() -> None:
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        check()


def test_a_server_that_is_down_is_one_message() -> None:
    address = f"http://127.0.0.1:{free_port()}/api"
    said = f"^no server answers at {address} \\(.*\\): start it, or unset PREFECT_API_URL$"
    with temporary_settings({PREFECT_API_URL: address}), pytest.raises(UserError, match=said):
        check()


@pytest.fixture
def answering(request: pytest.FixtureRequest) -> Iterator[str]:
    """Yield the address of a server that is well, and answers so when asked for its version."""
    status, version = request.param

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_well = self.path.endswith("/health")
            self.send_response(HTTPStatus.OK if is_well else status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(is_well or version).encode())

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as port:
        yield f"http://127.0.0.1:{port}/api"


@pytest.mark.parametrize("flow", [rebuild, study])
def test_a_flow_run_by_hand_asks_first(flow: Flow[..., State[Any]]) -> None:
    address = f"http://127.0.0.1:{free_port()}/api"
    said = f"^error: no server answers at {address} \\("
    with temporary_settings({PREFECT_API_URL: address}), pytest.raises(SystemExit, match=said):
        run_once(flow)


@pytest.mark.parametrize(
    ("answering", "why"),
    [
        ((HTTPStatus.OK, "2.20.1"), "incompatible versions: .* server: 2.20.1"),
        ((HTTPStatus.UNAUTHORIZED, "who?"), "401 Unauthorized"),
    ],
    indirect=["answering"],
)
def test_a_server_that_does_not_take_this_client_is_one_message(answering: str, why: str) -> None:
    said = f"{why}.*\\({answering}\\)$"
    with temporary_settings({PREFECT_API_URL: answering}), pytest.raises(UserError, match=said):
        check()
