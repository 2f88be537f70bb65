"""A bare copy of a git repository in the cache, with no more than the tags that were asked for."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gan_augment.errors import UserError
from gan_augment.lock import locked
from gan_augment.storage import digest
from gan_augment.versions import cache, git, tags
from gan_augment.versions.tags import Tag


@dataclass(frozen=True)
class Clone:
    """What is known here of the repository at a URL."""

    url: str
    folder: Path

    def here(self) -> list[Tag]:
        """Return the versions that need no network."""
        return tags.parse_all(git.line(self.folder, "tag", "--list").splitlines())

    def there(self) -> list[Tag]:
        """Return the versions that the repository has.

        Raises:
            UserError: it is out of reach.
        """
        try:
            return tags.parse_all(git.remote_tags(self.folder, self.url))
        except UserError as error:
            known = ", ".join(map(str, reversed(self.here())))
            without = f"; without it there are {known}" if known else ""
            raise UserError(f"cannot reach {self.url}: {error}{without}") from error

    def find(self, wanted: Tag) -> Tag:
        """Return the tag that is meant, fetched.

        One that is here and names its folder, or needs none, asks for no network. Whether another
        name stands for one folder the repository knows; out of reach, what is here is all there is.

        Raises:
            UserError: there is none, or the repository is out of reach.
        """
        here = [tag for tag in self.here() if tag.version == wanted.version]
        if wanted in here:
            return wanted
        try:
            there = self.there()
        except UserError:
            if not any(tag.artifact.endswith(f":{wanted.artifact}") for tag in here):
                raise
            there = here
        found = tags.pick(there, wanted)
        self.fetch([found])
        return found

    def latest(self, artifact: str) -> Tag:
        """Return the highest version of an artifact, fetched.

        Raises:
            UserError: there is none, or the repository is out of reach.
        """
        found = tags.of_artifact(self.there(), artifact)[-1]
        self.fetch([found])
        return found

    def fetch(self, wanted: Iterable[Tag]) -> None:
        """Fetch the commits of tags that are not here yet, without their history."""
        lock = cache.folder() / "locks" / self.folder.name
        with locked(lock, "the repository is being read") as held:
            missing = sorted(set(wanted) - set(self.here()))
            if missing:
                for left in self.folder.rglob("*.lock"):  # by a git that was killed
                    left.unlink()
                refs = "\n".join(f"{git.tag_ref(str(t))}:{git.tag_ref(str(t))}" for t in missing)
                fetch = ("fetch", "--quiet", "--no-tags", "--depth=1", "--stdin", "--", self.url)
                git.run(self.folder, *fetch, stdin=refs.encode(), hold=[held])

    def read(self, tag: Tag, name: str) -> str | None:
        """Return a file of the project in a version as text; None if it has no such file."""
        path = tag.folder + name
        if not git.run(self.folder, "ls-tree", "-z", f"{git.tag_ref(str(tag))}^{{tree}}", path):
            return None
        return git.run(self.folder, "show", f"{git.tag_ref(str(tag))}:{path}").decode(
            errors="replace"
        )


def open_clone(url: str) -> Clone:
    """Return the copy of the repository at a URL or in a local folder, made if need be.

    Raises:
        UserError: the folder is no git repository, or the cache cannot be written.
    """
    if Path(url).exists():
        url = _top(Path(url))
    folder = cache.folder() / "repositories" / f"{digest(url)}.git"
    with locked(cache.folder() / "locks" / folder.name, "the repository is being read"):
        if not (folder / "HEAD").exists():
            folder.mkdir(parents=True, exist_ok=True)
            git.run(folder, "init", "--quiet", "--bare")
    return Clone(url, folder)


def _top(folder: Path) -> str:
    """Return the top of a local repository; its git folder if it is bare."""
    is_bare = git.line(folder, "rev-parse", "--is-bare-repository") == "true"
    top = "--absolute-git-dir" if is_bare else "--show-toplevel"
    return os.path.realpath(git.line(folder, "rev-parse", top))
