import time
from pathlib import Path

import pytest

from benchmarks import scale
from gan_augment import table


def test_the_clock_of_the_table_stops_while_pictures_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = scale.pictures

    def slowly(chunk: int) -> tuple[object, object]:
        time.sleep(0.5)
        return drawn(chunk)

    monkeypatch.setattr(scale, "CHUNK", 20)
    monkeypatch.setattr(scale, "pictures", slowly)
    done = scale.write(tmp_path, 40)
    assert done.images == table.counts(tmp_path / "real").sum() == 40
    assert done.aside >= 1
