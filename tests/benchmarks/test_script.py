"""Benchmarks say what a user can put right in one message."""

from pathlib import Path

import pytest

from benchmarks import script
from benchmarks.datasets import FOLDER, fashion_mnist


def test_missing_images_are_one_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def main() -> None:
        fashion_mnist(None, 1, 0)

    monkeypatch.setenv(FOLDER, str(tmp_path))
    with pytest.raises(SystemExit) as stopped:
        script.run(main)
    assert str(stopped.value).startswith(f"{tmp_path}/fashion-mnist/train-images-idx3-ubyte.gz is ")
    assert str(stopped.value).endswith(f"name the folder that holds fashion-mnist/ in {FOLDER}")


def test_every_benchmark_is_run_so() -> None:
    for module in Path(script.__file__).parent.glob("*.py"):
        _, found, last = module.read_text().partition('if __name__ == "__main__":\n')
        assert not found or last == "    script.run(main)\n", module
