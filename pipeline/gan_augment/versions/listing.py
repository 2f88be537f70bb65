"""What is published: the versions of an artifact, each with what is on record about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gan_augment.versions import git, record, tags
from gan_augment.versions.clone import Clone, open_clone
from gan_augment.versions.tags import Tag


@dataclass(frozen=True)
class Version:
    """A published version.

    Attributes:
        tag: its name.
        date: when it was tagged, with its time zone.
        record: what `record.describe` says; empty for a tag that somebody made by hand.
    """

    tag: Tag
    date: datetime
    record: dict[str, Any]


def list_versions(url: str, artifact: str = "augmented") -> list[Version]:
    """Return the published versions of an artifact, latest first.

    Args:
        url: a git URL, or the folder of a git repository.
        artifact: its name in dvc.yaml, with its folder if several have one of that name.

    Raises:
        UserError: the repository is out of reach, or has no version of it.
    """
    clone = open_clone(url)
    found = tags.of_artifact(clone.there(), artifact)
    clone.fetch(found)
    return [read(clone, tag) for tag in reversed(found)]


def read(clone: Clone, tag: Tag) -> Version:
    """Return what is known of a version that was fetched.

    Raises:
        UserError: its record is damaged.
    """
    ref = git.tag_ref(str(tag))
    date = git.line(clone.folder, "for-each-ref", "--format=%(creatordate:iso-strict)", ref)
    content = record.parse(clone.read(tag, record.path(tag.name)) or "", str(tag))
    return Version(tag, datetime.fromisoformat(date), content)
