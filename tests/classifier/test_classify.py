"""`gan-augment classify`: a line a file, what cannot be read named and counted."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from gan_augment.classifier.classifier import Classifier
from gan_augment.classifier.files import classify
from tests.conftest import CommandLine


@pytest.fixture
def project(tmp_path: Path, of_pixels: Path, folder_of_images: Path) -> Path:
    """Return a folder with models/classifier, and images of three digits in `images`."""
    shutil.copytree(of_pixels, tmp_path / "models" / "classifier")
    assert folder_of_images == tmp_path / "images"
    return tmp_path


def test_files_and_folders(cli: CommandLine, project: Path) -> None:
    (project / "images" / "notes.txt").touch()
    (project / "images" / "digit 1" / ".hidden.png").touch()
    code, printed = cli("classify", "images/digit 0/3.png", "images")
    lines = printed.splitlines()
    assert code == 0, printed
    assert [line for line in lines if line.startswith("left aside")] == [
        "left aside: 1 × hidden, or left by a system, such as digit 1/.hidden.png",
        "left aside: 1 × no image by its ending, such as notes.txt",
    ]
    said = [line.split("\t") for line in lines if "\t" in line]
    assert len(said) == 1 + 36
    assert said[0][:2] == ["images/digit 0/3.png", "0"]
    assert sum(f"digit {label}/" in path for path, label, _ in said) > 30
    assert all(0 < float(probability) <= 1 for *_, probability in said)


def test_what_cannot_be_read_is_named_and_counted(cli: CommandLine, project: Path) -> None:
    (project / "images" / "digit 0" / "3.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    code, printed = cli("classify", "images/digit 0", "no.png")
    assert code == 1
    assert "images/digit 0/3.png: is in no image format that is read\n" in printed
    assert "no.png: cannot be read: No such file or directory\n" in printed
    assert "error: 2 of 13 files could not be read" in printed
    assert sum("\t" in line for line in printed.splitlines()) == 11
    assert "Traceback" not in printed


def test_pictures_as_large_as_ingestion_may_take_are_classified(
    of_pixels: Path, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    picture = Image.new("1", (10_000, 9_000))
    picture.paste(1, (0, 0, 5_000, 9_000))
    picture.save(tmp_path / "scan.png")
    (said,) = classify(Classifier(of_pixels), [tmp_path / "scan.png"])
    assert said.fault == ""
    assert not recwarn.list


def test_bad_input(cli: CommandLine, project: Path) -> None:
    (project / "empty").mkdir()
    for arguments, message in (
        (["empty"], "error: empty holds no images"),
        (["images", "--model", "empty"], "error: empty holds no classifier"),
        (["images", "--version", "v1.0.0"], "error: --version is of a repository"),
        (["images", "--repo", "nowhere"], "error: "),
    ):
        code, printed = cli("classify", *arguments)
        assert code == 1
        assert message in printed
        assert "Traceback" not in printed
        assert "\t" not in printed
