"""Source data that DVC tracks: fetch what is new, record what changed."""

from collections.abc import Callable, Sequence
from pathlib import Path

from gan_augment.errors import UserError
from gan_augment.versions import checkout
from gan_augment.versions.command import dvc


def update(root: Path, on_line: Callable[[str], None], hold: Sequence[int] = ()) -> None:
    """Bring imported data up to its source, and record changes of data added by hand.

    Args:
        root: folder of dvc.yaml.
        on_line: takes a line of what DVC prints.
        hold: file descriptors to keep open meanwhile.

    Raises:
        UserError: a source cannot be reached, or DVC failed otherwise.
    """
    imported, added = _tracked(root)
    commands = [["update", name] for name in imported]
    commands += [["commit", "--force", name] for name in added]
    for command in commands:
        outcome = dvc(root, command, on_line, hold=hold)
        if outcome.code:
            raise UserError(f"dvc {' '.join(command)}: {outcome.reason}")


def _tracked(root: Path) -> tuple[list[str], list[str]]:
    """Return the .dvc files of imported data, and those of added data that changed.

    Raises:
        UserError: a .dvc file is empty, or what DVC refuses.
    """
    with checkout.opened(root, f"tracked data in {root}") as repo, repo.lock:
        sources = [stage for stage in repo.index.stages if stage.is_data_source]
        if empty := next((stage.path for stage in sources if not stage.outs), None):
            advice = "take it from an earlier commit, or `dvc add` the data again"
            raise UserError(f"{empty} names no data: {advice}")
        imported = [stage.path for stage in sources if stage.is_import]
        changed = [
            s.path for s in sources if any("modified" in o.status().values() for o in s.outs)
        ]
        return imported, [path for path in changed if path not in imported]
