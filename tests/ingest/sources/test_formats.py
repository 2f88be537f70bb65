import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_augment.ingest.sources import formats

PICTURE = Image.fromarray(np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)).convert("RGB")


def heic() -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    pillow_heif.from_pillow(PICTURE).save(buffer, quality=-1)
    return buffer.getvalue()


def test_a_heic_photograph_is_read_where_pillow_heif_is_installed(tmp_path: Path) -> None:
    (tmp_path / "IMG_0001.HEIC").write_bytes(heic())
    assert formats.open_file(tmp_path / "IMG_0001.HEIC").size == (64, 64)
    difference = np.asarray(formats.open_bytes(heic()), int) - np.asarray(PICTURE, int)
    assert abs(difference).mean() < 8
    assert ".heic" in formats.endings()
    assert formats.advice(".heic") is None


WITHOUT = """
import sys
from pathlib import Path
sys.modules["pillow_heif"] = None
from gan_augment.errors import UserError
from gan_augment.ingest.sources import find, formats
from gan_augment.params import IngestParams

try:
    formats.open_file(Path("set/cat/0.jpg"))
except OSError as error:
    print(error)
print(*find(IngestParams(source="folder", path="set")).doubts)
try:
    find(IngestParams(source="folder", path="phone"))
except UserError as error:
    print(error)
"""


def test_without_it_heic_photographs_are_named_with_what_to_install(tmp_path: Path) -> None:
    for name in ("set/cat/0.jpg", "set/cat/1.HEIC", "set/dog/2.jpg", "phone/fox/1.heif"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    printed = subprocess.run(
        [sys.executable, "-c", WITHOUT], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    advice = "install pillow-heif to read it (pip install 'gan-augment[heif]'), or save as JPEG or"
    assert printed[0].startswith(f"it is a HEIC photograph, whatever its name: {advice}")
    assert printed[1].startswith(
        f"1 image is in a format that is not read, such as cat/1.HEIC: .heic: {advice}"
    )
    assert "class 'fox'" in printed[2]
    assert advice in printed[2]


def test_a_format_that_starts_programs_is_not_opened(tmp_path: Path) -> None:
    PICTURE.save(tmp_path / "x.eps")
    with pytest.raises(OSError, match="cannot identify image file"):
        formats.open_file(tmp_path / "x.eps")
    assert formats.advice(".eps") == "save as PNG or JPEG"
    assert formats.advice(".txt") is None


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.png")
    with pytest.raises(OSError, match="not a regular file"):
        formats.open_file(tmp_path / "x.png")


def test_a_large_file_is_refused() -> None:
    formats.not_too_large(2**28)
    with pytest.raises(OSError, match="268,435,457 bytes, more than 268,435,456"):
        formats.not_too_large(2**28 + 1)
