"""Prefect: not there, no server named, and servers that do not answer or do not fit."""

import http.server
import json
from pathlib import Path

import pytest

from gan_augment.doctor import schedules
from gan_augment.doctor.schedules import prefect
from tests.serving import serving


def test_it_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "find_spec", lambda _: None)
    (finding,) = prefect(tmp_path)
    assert finding.state == "not needed"
    assert "pip install 'gan-augment[flows]'" in finding.said


def test_telemetry_is_off_unless_somebody_switches_it_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DO_NOT_TRACK")
    monkeypatch.delenv("PREFECT_SERVER_ANALYTICS_ENABLED")
    _, telemetry = prefect(tmp_path)
    assert telemetry.state == "ok"
    monkeypatch.setenv("DO_NOT_TRACK", "0")
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "true")
    server, telemetry = prefect(tmp_path)
    assert server.state == "not needed"
    assert "python -m gan_augment_flows.serve" in server.said
    assert (telemetry.state, telemetry.stops) == ("attention", False)
    assert "DO_NOT_TRACK=1" in telemetry.said


def test_a_server_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    server, telemetry = prefect(tmp_path)
    assert server.stops
    assert "no server answers at http://127.0.0.1:1/api" in server.said
    assert telemetry.state == "ok"


def test_a_server_of_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps("2.20.1").encode())

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as port:
        monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{port}/api")
        server, _ = prefect(tmp_path)
    assert server.stops
    assert "server: 2.20.1" in server.said
