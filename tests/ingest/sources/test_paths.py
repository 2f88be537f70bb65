import pytest

from gan_augment.ingest.sources import paths


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("./a/b.png", "a/b.png"),
        ("a//b.png", "a/b.png"),
        ("a/./b.png", "a/b.png"),
        ("a/x/../b.png", "a/b.png"),
        ("a\\b.png", "a/b.png"),
        (".\\a\\b.png", "a/b.png"),
        ("../b.png", "../b.png"),
        ("a/../../b.png", "../b.png"),
        ("/a/b.png", "/a/b.png"),
        ("//a/b.png", "/a/b.png"),
        ("a/", "a"),
    ],
)
def test_a_path_has_one_spelling(name: str, wanted: str) -> None:
    assert paths.spelled(name) == wanted
    assert paths.spelled(wanted) == wanted


@pytest.mark.parametrize("name", ["..", "../a", "/a"])
def test_what_leads_out(name: str) -> None:
    assert paths.leads_out(name)
    assert not paths.leads_out("..a/b")


@pytest.mark.parametrize(
    "part",
    [
        *(".DS_Store", "._000.jpg", ".git", ".ipynb_checkpoints", "__MACOSX", "Thumbs.db"),
        *("desktop.ini", "Desktop.ini", "THUMBS.DB", "ehthumbs_vista.db", "$RECYCLE.BIN"),
        *(
            "System Volume Information",
            "@eaDir",
            "Icon\r",
            "cat.png~",
            "~$notes.docx",
            "lost+found",
        ),
    ],
)
def test_rubbish(part: str) -> None:
    assert paths.is_rubbish(part)


@pytest.mark.parametrize("part", ["cat", "icon", "thumbs", "macosx", "cat.png", "a.b", "_x"])
def test_no_rubbish(part: str) -> None:
    assert not paths.is_rubbish(part)
