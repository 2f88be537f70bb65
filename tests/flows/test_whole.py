"""A flow run by hand; that it leaves nothing behind is in tests/e2e/test_rebuild.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("module", ["gan_augment_flows.rebuild", "gan_augment_flows.study"])
@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_home_that_cannot_be_used_is_one_message(module: str, place: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = subprocess.run(
        [sys.executable, "-m", module],
        cwd=tmp_path,
        env={**os.environ, "PREFECT_HOME": str(tmp_path / place)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    line = done.stderr.splitlines()[-1]  # Prefect may have warned of the same
    assert line.startswith(f"error: PREFECT_HOME = {tmp_path / place} cannot be used (")
