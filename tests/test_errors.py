import pytest

from gan_augment.errors import UserError, reason, without_passwords


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
