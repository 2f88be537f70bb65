import gzip
import io
import pickle
import stat
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_augment.errors import UserError
from gan_augment.ingest.sources import find
from gan_augment.ingest.sources.archive import SPECIAL, TWICE
from gan_augment.ingest.sources.raw import HIDDEN, RawImage
from gan_augment.params import IngestParams


def pack(folder: Path, kind: str, around: str = "") -> Path:
    """Pack a folder, all of its files below the folder `around`."""
    target = folder.parent / f"images.{kind}"
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    if kind == "zip":
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                archive.write(file, around + file.relative_to(folder).as_posix())
    else:
        with tarfile.open(target, "w:gz" if kind == "tar.gz" else "w") as archive:
            for file in files:
                archive.add(file, around + file.relative_to(folder).as_posix())
    return target


def read(path: Path, **params: object) -> dict[str, RawImage]:
    found = find(IngestParams.model_validate({"source": "archive", "path": path, **params}))
    images = {image.name: image for image in found.images}
    assert len(images) == found.total
    return images


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize("around", ["", "set/images/"])
def test_an_archive_reads_as_its_folder_does(
    folder_of_images: Path, kind: str, around: str
) -> None:
    (folder_of_images / "digit 0" / "0.png").rename(folder_of_images / "digit 0" / "ñ.png")
    (folder_of_images / "a.csv").write_text("file,group\ndigit 1/3.png,g\n")
    before = {path.name for path in folder_of_images.parent.iterdir()}
    images = read(pack(folder_of_images, kind, around), annotations="a.csv")
    found = find(IngestParams(source="folder", path=folder_of_images, annotations="a.csv"))
    for wanted in found.images:
        image = images.pop(wanted.name)
        assert (image.label, image.split, image.group) == (
            wanted.label,
            wanted.split,
            wanted.group,
        )
        np.testing.assert_array_equal(np.asarray(image.open()), np.asarray(wanted.open()))
    assert not images
    after = {path.name for path in folder_of_images.parent.iterdir()}
    assert after == before | {f"images.{kind}"}


def test_a_glob_counts_from_inside(folder_of_images: Path) -> None:
    archive = pack(folder_of_images, "zip", "set/")
    assert set(read(archive, files="digit 2/1.png")) == {"digit 2/1.png"}


@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.parametrize("name", ["../a/x.png", "/a/x.png", "a/../../x.png"])
def test_members_outside_are_refused(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / f"evil.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as file:
            file.writestr(name, b"x")
    else:
        with tarfile.open(path, "w") as file:
            file.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises(UserError, match="lies outside of it"):
        read(path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_size_and_count_are_bounded(folder_of_images: Path, kind: str) -> None:
    (folder_of_images / "digit 0" / "large.png").write_bytes(bytes(1_000_000))
    archive = pack(folder_of_images, kind)
    assert archive.stat().st_size < 100_000
    with pytest.raises(UserError, match="unpacks to more than 500,000 bytes"):
        read(archive, max_bytes=500_000)
    with pytest.raises(UserError, match="more than 30 images"):
        read(archive, max_images=30)


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_broken_archive(folder_of_images: Path, kind: str) -> None:
    archive = pack(folder_of_images, kind)
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="archive"):
        list(read(archive))
    archive.write_bytes(b"no archive")
    with pytest.raises(UserError, match="neither a zip nor a tar"):
        read(archive)
    archive.unlink()
    with pytest.raises(UserError, match="no such file"):
        read(archive)


def test_a_damaged_member_is_one_unreadable_image(folder_of_images: Path) -> None:
    archive = pack(folder_of_images, "zip")
    content = bytearray(archive.read_bytes())
    start = content.find(b"\x89PNG") + 60
    content[start : start + 4] = b"\0\0\0\0"
    archive.write_bytes(content)
    images = read(archive)
    with pytest.raises(OSError, match="its archive is damaged here"):
        images.pop("digit 0/0.png").open()
    assert {image.open().size for image in images.values()} == {(8, 8)}


@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.parametrize("around", ["./", "set/./images//", ".\\set\\"])
def test_members_in_other_spellings(folder_of_images: Path, kind: str, around: str) -> None:
    if "\\" in around:
        around = around.replace("/", "\\")
    assert set(read(pack(folder_of_images, kind, around))) == {
        f"digit {label}/{number}.png" for label in range(3) for number in range(12)
    }


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_what_systems_leave_in_archives(folder_of_images: Path, kind: str) -> None:
    for name in ("set/digit 0/.DS_Store", "__MACOSX/set/digit 0/._0.png"):
        (folder_of_images / name).parent.mkdir(parents=True, exist_ok=True)
        (folder_of_images / name).touch()
    for label in range(3):
        for number in range(12):
            file = folder_of_images / f"digit {label}" / f"{number}.png"
            target = folder_of_images / "set" / f"digit {label}" / file.name
            target.parent.mkdir(exist_ok=True)
            file.rename(target)
    found = find(IngestParams(source="archive", path=pack(folder_of_images, kind)))
    assert found.total == 36
    assert found.classes == ("digit 0", "digit 1", "digit 2")
    assert found.skipped[HIDDEN][0] == 2


def test_a_name_that_is_no_utf_8(folder_of_images: Path) -> None:
    path = folder_of_images.parent / "latin.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as archive:
        for file in sorted(folder_of_images.rglob("*.png")):
            name = file.relative_to(folder_of_images).as_posix()
            archive.add(file, name.replace("digit 0/1.", "digit 0/é."))
    images = read(path)
    assert len(images) == 36
    assert images["digit 0/\\xe9.png"].open().size == (8, 8)


def test_a_zip_that_does_not_say_its_names_are_utf_8(folder_of_images: Path) -> None:
    (folder_of_images / "digit 0" / "0.png").rename(folder_of_images / "digit 0" / "é.png")
    path = pack(folder_of_images, "zip")
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        (info,) = [member for member in archive.infolist() if "é" in member.filename]
    central = content.rfind("digit 0/é.png".encode()) - 46
    for flags in (info.header_offset + 6, central + 8):
        assert content[flags + 1] & 8
        content[flags + 1] &= ~8
    path.write_bytes(content)
    assert read(path)["digit 0/é.png"].open().size == (8, 8)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_two_members_of_one_name(folder_of_images: Path, kind: str) -> None:
    path = pack(folder_of_images, kind)
    file = folder_of_images / "digit 0" / "0.png"
    if kind == "zip":
        with zipfile.ZipFile(path, "a") as archive:
            archive.write(file, "./digit 0/1.png")
    else:
        with tarfile.open(path, "a") as archive:
            archive.add(file, "./digit 0/1.png")
    found = find(IngestParams(source="archive", path=path))
    assert found.total == 36
    assert found.skipped == {TWICE: (1, "digit 0/1.png")}
    shown = {image.name: np.asarray(image.open()) for image in found.images}
    np.testing.assert_array_equal(shown["digit 0/1.png"], np.asarray(Image.open(file)))


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_of_two_annotations_of_one_name_the_later_is_read(
    folder_of_images: Path, kind: str
) -> None:
    (folder_of_images / "a.csv").write_text("file,group\ndigit 0/0.png,sofa\n")
    path = pack(folder_of_images, kind)
    (folder_of_images / "a.csv").write_text("file,group\ndigit 0/0.png,chair\n")
    if kind == "zip":
        with zipfile.ZipFile(path, "a") as archive:
            archive.write(folder_of_images / "a.csv", "./a.csv")
    else:
        with tarfile.open(path, "a") as archive:
            archive.add(folder_of_images / "a.csv", "./a.csv")
    assert read(path, annotations="a.csv")["digit 0/0.png"].group == "chair"


def test_what_is_no_file_in_a_tar_is_told(folder_of_images: Path) -> None:
    path = pack(folder_of_images, "tar")
    with tarfile.open(path, "a") as archive:
        for name, kind in (("digit 0/f.png", tarfile.FIFOTYPE), ("digit 0/l.png", tarfile.SYMTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "0.png"
            archive.addfile(member)
    found = find(IngestParams(source="archive", path=path))
    assert found.total == 36
    ((reason, (number, first)),) = found.skipped.items()
    assert (reason, number, first) == (
        "neither a file nor a folder in the archive",
        2,
        "digit 0/f.png",
    )


def test_members_of_a_zip_are_read_when_opened_by_any_process(
    folder_of_images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pack(folder_of_images, "zip")
    read_in_full = zipfile.ZipFile.read
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("read"))
    image = read(path)["digit 1/3.png"]
    monkeypatch.setattr(zipfile.ZipFile, "read", read_in_full)
    sent = pickle.dumps(image.open)
    assert len(sent) < 2000
    np.testing.assert_array_equal(np.asarray(pickle.loads(sent)()), np.asarray(image.open()))


@pytest.mark.parametrize("kind", ["tar", "tar.gz"])
@pytest.mark.parametrize("header", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_a_header_of_a_tar_that_would_fill_memory(
    folder_of_images: Path, kind: str, header: bytes
) -> None:
    path = pack(folder_of_images, kind)
    long = tarfile.TarInfo("././@LongLink")
    long.type, long.size = header, 2**21
    bomb = long.tobuf(tarfile.GNU_FORMAT) + b"a" * 2**21
    whole = path.read_bytes() if kind == "tar" else gzip.decompress(path.read_bytes())
    first_member = 512 + 512 * -(-int(whole[124:135], 8) // 512)
    for content in (bomb + whole, whole[:first_member] + bomb + whole[first_member:]):
        path.write_bytes(content if kind == "tar" else gzip.compress(content))
        with pytest.raises(UserError, match="a header of 2,097,152 bytes, more than 1,048,576"):
            read(path)


def test_a_hard_link_in_a_tar_is_a_file(folder_of_images: Path) -> None:
    first = folder_of_images / "digit 0" / "0.png"
    for name in ("digit 0/same.png", "digit 1/same.png"):
        (folder_of_images / name).hardlink_to(first)
    images = read(pack(folder_of_images, "tar.gz"))
    assert len(images) == 38
    for name in ("digit 0/same.png", "digit 1/same.png"):
        np.testing.assert_array_equal(
            np.asarray(images[name].open()), np.asarray(Image.open(first))
        )
    assert images["digit 1/same.png"].label == "digit 1"


def test_a_symbolic_link_in_a_zip_is_told(folder_of_images: Path) -> None:
    path = pack(folder_of_images, "zip")
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("digit 0/link.png")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "0.png")
    found = find(IngestParams(source="archive", path=path))
    assert found.total == 36
    assert found.skipped == {SPECIAL: (1, "digit 0/link.png")}


@pytest.mark.parametrize("name", ["./a.csv", ".\\a.csv", "a.csv"])
def test_settings_name_files_in_any_spelling(folder_of_images: Path, name: str) -> None:
    (folder_of_images / "a.csv").write_text("file,group\ndigit 1/3.png,g\n")
    for source in ("folder", "archive"):
        path = folder_of_images if source == "folder" else pack(folder_of_images, "tar")
        params = {"source": source, "path": path, "annotations": name, "files": "./digit 1/*"}
        found = find(IngestParams.model_validate({**params}))
        assert [image.group for image in found.images if image.name == "digit 1/3.png"] == ["g"]
        assert found.total == 12


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_name_that_no_disk_holds(folder_of_images: Path, kind: str) -> None:
    with pytest.raises(UserError, match=r"its member 'x/x/.*'… has a name of 32,0\d\d characters"):
        read(pack(folder_of_images, kind, "x/" * 16_000))


def test_headers_count_as_what_a_tar_unpacks_to(folder_of_images: Path) -> None:
    path = pack(folder_of_images, "tar")
    with tarfile.open(path, "a") as archive:
        for number in range(1_000):
            member = tarfile.TarInfo(f"digit 0/{number}")
            member.type = tarfile.DIRTYPE
            archive.addfile(member)
    with pytest.raises(UserError, match="unpacks to more than 500,000 bytes"):
        read(path, max_bytes=500_000)


@pytest.mark.parametrize("form", ["old", "pax"])
def test_a_sparse_file_in_a_tar(folder_of_images: Path, form: str) -> None:
    """Its map is read to the first line break, wherever that is."""
    path = folder_of_images.parent / "sparse.tar"
    member = tarfile.TarInfo("digit 0/s.png")
    member.size = 10_000
    if form == "old":
        member.type = tarfile.GNUTYPE_SPARSE
    else:
        member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(member, io.BytesIO(b"0" * 10_000))
    with pytest.raises(UserError, match="holds sparse files"):
        read(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_that_could_unpack_without_end(folder_of_images: Path, method: int) -> None:
    path = folder_of_images.parent / "packed.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for file in folder_of_images.rglob("*.png"):
            archive.write(file, file.relative_to(folder_of_images).as_posix())
    with pytest.raises(OSError, match="packed by another method than deflate"):
        read(path)["digit 0/0.png"].open()
