"""Names of versions: `augmented@v1.2.0`, and `vision/gan=augmented@v1.2.0` in a larger repository.

They are GTO's, which `dvc artifacts get` reads: artifact, `@`, version; before the artifact the
folder of its dvc.yaml, if that is not the top of the git repository.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from gan_augment.errors import UserError, hint

TAG = re.compile(r"(?:(?P<artifact>[^@]+)@)?v?(?P<major>\d+)\.(?P<minor>\d+)\.(?P<patch>\d+)")


class Tag(NamedTuple):
    """A version of an artifact; tags of one artifact are in the order of their versions.

    Attributes:
        artifact: name in dvc.yaml, after the folder of dvc.yaml and a colon if there is one.
        version: major, minor and patch.
    """

    artifact: str
    version: tuple[int, int, int]

    def __str__(self) -> str:
        """Return the name of the git tag."""
        return f"{self.artifact.replace(':', '=')}@{self.number}"

    @property
    def number(self) -> str:
        """The version as people write it: `v1.2.0`."""
        return "v" + ".".join(map(str, self.version))

    @property
    def folder(self) -> str:
        """Where dvc.yaml is: "" at the top of the repository, else it ends with "/"."""
        folder, colon, _ = self.artifact.rpartition(":")
        return folder + colon.replace(":", "/")

    @property
    def name(self) -> str:
        """The artifact's name in dvc.yaml."""
        return self.artifact.rpartition(":")[2]


def parse(text: str) -> Tag | None:
    """Return what a git tag names; None if it is no version of an artifact, as GTO writes it."""
    found = TAG.fullmatch(text)
    if not found or not found["artifact"]:
        return None
    tag = Tag(found["artifact"].replace("=", ":"), _version(found))
    return tag if str(tag) == text else None


def parse_all(names: Iterable[str]) -> list[Tag]:
    """Return the versions among git tags, lowest first."""
    return sorted(tag for name in names if (tag := parse(name)))


def wanted(text: str, artifact: str) -> Tag:
    """Return the tag that a user means by `v1.2.0`, `1.2.0` or `augmented@v1.2.0`.

    Raises:
        UserError: it has not that form.
    """
    found = TAG.fullmatch(text)
    if not found:
        raise UserError(f"{text!r} is no version: write v1.2.0, or {artifact}@v1.2.0")
    return Tag((found["artifact"] or artifact).replace("=", ":"), _version(found))


def split_address(address: str) -> tuple[str, str | None]:
    """Return URL and tag of `URL@TAG`; the tag is None if there is none.

    The `@` of `git@host:repository` or `https://user@host/repository` belongs to the URL, and so
    does one in the name of a folder that exists.
    """
    if Path(address).exists():
        return address, None
    url, _, tag = address.rpartition("@")
    if not url or "/" in tag or ":" in tag:
        return address, None
    before, _, artifact = url.rpartition("@")
    is_artifact = (
        before and not Path(url).exists() and ("=" in artifact or not re.search("[/:]", artifact))
    )
    return (before, f"{artifact}@{tag}") if is_artifact else (url, tag)


def of_artifact(tags: Iterable[Tag], artifact: str) -> list[Tag]:
    """Return the versions of an artifact, lowest first.

    A name without a folder may stand for that in a folder, if only one folder has it.

    Raises:
        UserError: there are none, or several folders have it.
    """
    tags = sorted(tags)
    names = sorted({tag.artifact for tag in tags})
    fitting = [name for name in names if name == artifact] or [
        name for name in names if name.endswith(f":{artifact}")
    ]
    if len(fitting) > 1:
        raise UserError(f"{artifact} is in several folders: name one of {', '.join(fitting)}")
    if not fitting:
        versions = hint(artifact, names) if names else "nothing is published there"
        raise UserError(f"no version of {artifact}: {versions}")
    return [tag for tag in tags if tag.artifact == fitting[0]]


def pick(tags: Iterable[Tag], tag: Tag) -> Tag:
    """Return the one among `tags` that is meant by `tag`, whose folder may be left out.

    Raises:
        UserError: there is none, or several folders have it.
    """
    versions = of_artifact(tags, tag.artifact)
    for version in versions:
        if version.version == tag.version:
            return version
    known = [version.number for version in reversed(versions)]
    raise UserError(f"no version {tag.number} of {tag.artifact}: {hint(tag.number, known)}")


def _version(found: re.Match[str]) -> tuple[int, int, int]:
    return int(found["major"]), int(found["minor"]), int(found["patch"])
