"""A look at images that careless hands have left."""

from pathlib import Path

import pytest

from gan_augment.errors import UserError
from gan_augment.ingest.sources import find
from gan_augment.params import IngestParams
from gan_augment.project.survey import survey
from tests.project.conftest import Make, numbered


@pytest.mark.parametrize("lines", ["", "images/a/0.png,\nimages/a/1.png, \n"])
def test_a_table_without_a_label_is_refused(pictures: Make, tmp_path: Path, lines: str) -> None:
    pictures(numbered({"a": 2}))
    (tmp_path / "t.csv").write_text(f"file,label\n{lines}")
    params = IngestParams(source="csv", path=tmp_path, files="t.csv")
    with pytest.raises(UserError, match=rf"lists {lines.count('a/')} images, none with a label: "):
        survey(params)


def test_a_picture_that_does_not_open_is_passed_over(pictures: Make) -> None:
    """Of an AVIF that names an item which is not there, Pillow raises RuntimeError."""
    pytest.importorskip("PIL._avif")
    root = pictures(numbered({"a": 3, "b": 3}, "{}.avif"))
    content = bytearray((root / "a/0.avif").read_bytes())
    number = content.index(b"pitm") + 8
    content[number : number + 2] = b"\xff\xff"
    (root / "a/0.avif").write_bytes(content)
    found = survey(IngestParams(source="folder", path=root))
    assert found.total == 6
    assert len(found.sizes) == 5


def test_an_image_that_is_gone_meanwhile_is_no_bad_picture(
    pictures: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = pictures(numbered({"a": 3, "b": 3}))
    listed = find(IngestParams(source="folder", path=root))
    (root / "a/1.png").unlink()
    monkeypatch.setattr("gan_augment.project.survey.find", lambda _: listed)
    with pytest.raises(UserError, match="was there when the images were listed"):
        survey(IngestParams(source="folder", path=root))


def test_colour_is_a_share_of_what_is_decoded_stored_grey_or_not(pictures: Make) -> None:
    """One in ten is decoded: a picture stored in colour counts no less than one stored grey."""
    pictures(numbered({"a": 60}, "scan{:02d}.png"), mode="L")
    root = pictures(numbered({"b": 60}, "photo{:02d}.png"))
    found = survey(IngestParams(source="folder", path=root))
    assert found.colour == 0.5
    assert found.stored_in_colour


def test_grey_is_not_said_of_colours_that_none_looked_at(pictures: Make) -> None:
    pictures(numbered({"a": 11}, "scan{:02d}.png"), mode="L")
    root = pictures(["b/photo.png"])
    found = survey(IngestParams(source="folder", path=root))
    assert found.colour == 0
    assert not found.stored_in_colour


def test_series_of_which_a_class_has_too_few_to_split_are_a_doubt(pictures: Make) -> None:
    """Ingestion refuses a test split of one class."""
    parts = [f"good/part{i}_{j}.png" for i in range(20) for j in range(3)]
    root = pictures([*parts, *(f"bad/scan1_{i}.png" for i in range(60))])
    found = survey(IngestParams(source="folder", path=root))
    assert found.series is None
    (doubt,) = found.doubts
    assert "names look like series (a number, and then one or a word), which are not kept" in doubt
    assert "three, one a split, and bad would have fewer" in doubt
    pictures([f"fair/part{i}_{j}.png" for i in range(3) for j in range(3)])
    found = survey(IngestParams(source="folder", path=root))
    assert found.series
    assert not found.doubts


def test_groups_that_the_source_gives_are_asked_for_no_series(
    pictures: Make, tmp_path: Path
) -> None:
    names = [f"scan{i}_{j}.png" for i in range(6) for j in range(3)]
    pictures(names)
    lines = [f"images/{name},{'a' if name < 'scan5' else 'b'},{name[4]}" for name in names]
    (tmp_path / "t.csv").write_text("\n".join(["file,label,group", *lines]))
    found = survey(IngestParams(source="csv", path=tmp_path, files="t.csv"))
    assert found.grouped
    assert not found.doubts
