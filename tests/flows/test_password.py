"""The password of this machine's server."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gan_augment.errors import UserError
from gan_augment_flows import password


def test_it_is_made_once_for_its_owner_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (password.SERVER, password.CLIENT):
        monkeypatch.setenv(name, "other:word")
    before = os.umask(0)
    try:
        password.use(tmp_path)
    finally:
        os.umask(before)
    word = os.environ[password.SERVER]
    assert re.fullmatch(r"gan-augment:[\w-]{32}", word)
    assert os.environ[password.CLIENT] == word
    file = password.place(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == f"{word}\n"
    assert [each.name for each in tmp_path.iterdir()] == [file.name]
    assert password.kept(file) == word
    assert password.kept(tmp_path / "another") != word


def test_what_others_can_read_is_no_password(tmp_path: Path) -> None:
    file = tmp_path / "password"
    password.kept(file)
    file.chmod(0o640)
    with pytest.raises(UserError, match="others can read the password of the server: delete"):
        password.kept(file)


def test_an_empty_or_impossible_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.touch(0o600)
    with pytest.raises(UserError, match="is empty: delete it"):
        password.kept(file)
    with pytest.raises(UserError, match="cannot use .*Not a directory"):
        password.kept(file / "inside")
    file.write_bytes(b"\xff")
    with pytest.raises(UserError, match="cannot use"):
        password.kept(file)


ALONE = """
import httpx
from prefect import flow
from prefect.client.orchestration import get_client
from gan_augment_flows.rebuild import run_once
from prefect.settings import get_current_settings

@flow
def look():
    with get_client(sync_client=True) as client:
        found = client.read_deployments()
        answer = httpx.post(f"{client.api_url}deployments/filter", json={})
    print("seen", found, answer.status_code, get_current_settings().server.analytics_enabled)

run_once(look)
"""


@pytest.mark.e2e
def test_the_server_of_one_run_answers_nobody_else(tmp_path: Path) -> None:
    hidden = {"PREFECT_API_URL", "DO_NOT_TRACK", "PREFECT_SERVER_ANALYTICS_ENABLED"}
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run(
        [sys.executable, "-c", ALONE],
        cwd=tmp_path,
        env={
            **kept,
            "PREFECT_HOME": str(tmp_path),
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "240",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert "seen [] 401 False" in done.stdout + done.stderr
