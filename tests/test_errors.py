import pytest

from gan_augment.errors import UserError, of_a_file, of_the_disk, reason, without_passwords


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://oauth2:SECRET@host/x.git@v1.0.0", "https://host/x.git@v1.0.0"),
        ("https://me:p@SECRET@host:8080/x", "https://host:8080/x"),
        ("HTTPS://SECRET@host/x.git", "HTTPS://host/x.git"),
        ("http://:SECRET@host", "http://host"),
        ("ssh://git:SECRET@host:22/x", "ssh://host:22/x"),
        ("ssh://git@host:22/x@v1.0.0", "ssh://git@host:22/x@v1.0.0"),
        ("git@host:team/x.git", "git@host:team/x.git"),
        ("https://host:8080/x@v1", "https://host:8080/x@v1"),
        ("https://host?by=me@here", "https://host?by=me@here"),
        ("s3://bucket/a:b@c", "s3://bucket/a:b@c"),
    ],
)
def test_addresses_are_shown_without_passwords(address: str, shown: str) -> None:
    assert without_passwords(address) == shown
    said = "cannot reach '{}', nor {}: name or service not known"
    assert str(UserError(said.format(address, address))) == said.format(shown, shown)


def test_a_password_is_not_shown_by_its_start() -> None:
    error = ValueError(f"{'x' * 180} https://me:{'SECRET' * 9}@host/x")
    assert "SECRET" not in reason(error)


def test_no_place_for_scratch_files_is_a_full_disk() -> None:
    error = FileNotFoundError(2, "No usable temporary directory found in ['/tmp', '/here']")
    said = of_the_disk(error)
    assert said == ("no usable temporary directory: make room, or set TMPDIR to a folder elsewhere")
    assert of_the_disk(FileNotFoundError(2, "No such file or directory")) is None


def test_what_the_system_says_of_a_file() -> None:
    assert of_a_file(PermissionError(13, "Permission denied", "a/b")) == "a/b: Permission denied"
    assert of_a_file(OSError(36, "Too long", b"https://me:SECRET@host/x")) == (
        "https://host/x: Too long"
    )
    for other in (OSError("no number"), OSError(5, "Input/output error"), KeyError("a/b")):
        assert of_a_file(other) is None
