"""What a command makes, noted so that it can be taken away again if the command fails."""

import shutil
from contextlib import suppress
from pathlib import Path


class Made:
    """Paths that were not there before, and the former content of files that were."""

    def __init__(self) -> None:
        self._new: list[Path] = []
        self._former: dict[Path, bytes] = {}

    def note(self, path: Path) -> None:
        """Note a path before it is made, or a file before it changes."""
        if path.is_file():
            self._former.setdefault(path, path.read_bytes())
        elif not path.exists():
            while not path.parent.exists():
                path = path.parent
            self._new.append(path)

    def undo(self) -> None:
        """Delete what was made, and restore what changed, as far as the system lets it.

        What it does not raises nothing: the command's own failure is what there is to say.
        """
        for path in reversed(self._new):
            with suppress(OSError):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink()
        for path, content in self._former.items():
            if path not in self._new:
                with suppress(OSError):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
