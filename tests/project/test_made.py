"""What is taken away again, and what is given back."""

from pathlib import Path

from gan_augment.project.made import Made


def test_new_things_go_and_files_get_their_content_back(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("before")
    made = Made()
    for name in ("mine", "new/deep/file", "other"):
        made.note(tmp_path / name)
    (tmp_path / "new/deep").mkdir(parents=True)
    for name in ("mine", "new/deep/file", "other"):
        (tmp_path / name).write_text("after")
    made.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert (tmp_path / "mine").read_text() == "before"


def test_what_cannot_be_undone_keeps_nothing_else(tmp_path: Path) -> None:
    for name in ("file", "gone", "mine"):
        (tmp_path / name).write_text("before")
    made = Made()
    for name in ("new", "file/below", "gone", "mine"):
        made.note(tmp_path / name)
    for name in ("new", "mine"):
        (tmp_path / name).write_text("after")
    (tmp_path / "gone").unlink()
    (tmp_path / "gone").mkdir()
    made.undo()
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "mine").read_text() == "before"
