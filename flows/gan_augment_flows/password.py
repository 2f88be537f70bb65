"""Passwords of Prefect servers: this machine's, in a file of its owner alone; and a run's own."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gan_augment.errors import UserError

SERVER, CLIENT = "PREFECT_SERVER_API_AUTH_STRING", "PREFECT_API_AUTH_STRING"
"""Environment variables: the password that the server asks for, and the one that clients give."""
FILE = "gan-augment.password"


def use(home: Path) -> None:
    """Have the server that is started next, and its clients, use the password of this machine.

    Args:
        home: PREFECT_HOME. The password is made in it at first.

    Raises:
        UserError: the file cannot be read or written, is empty, or others can read it.
    """
    os.environ[SERVER] = os.environ[CLIENT] = kept(place(home))


@contextmanager
def of_this_run() -> Iterator[None]:
    """Have the server that Prefect starts for one run want a password that nobody else knows.

    Where settings name a server, that one is used as it is.
    """
    from prefect import settings

    if settings.get_current_settings().api.url:
        yield
        return
    word = _new()
    own = {
        settings.PREFECT_SERVER_API_AUTH_STRING: word,
        settings.PREFECT_API_AUTH_STRING: word,
        settings.PREFECT_SERVER_CORS_ALLOWED_ORIGINS: "http://127.0.0.1",
    }
    with settings.temporary_settings(own):
        yield


def home() -> Path:
    """Return PREFECT_HOME, where Prefect keeps what it knows."""
    return Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()


def place(home: Path) -> Path:
    """Return the file in which the password is."""
    return home / FILE


def kept(path: Path) -> str:
    """Return the password in a file, made if there is none; see `use` for what is raised."""
    try:
        if not path.exists():
            _make(path)
        mode, word = path.stat().st_mode, path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot use {path}: {error}") from None
    if stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise UserError(
            f"{path}: others can read the password of the server: delete the file, and a new one "
            "is made"
        )
    if not word:
        raise UserError(f"{path} is empty: delete it, and a new password is made")
    return word


def _make(path: Path) -> None:
    """Write a new password, whole or not at all."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{_new()}\n")
    partial.replace(path)


def _new() -> str:
    return f"gan-augment:{secrets.token_urlsafe(24)}"
