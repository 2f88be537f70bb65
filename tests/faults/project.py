"""A small project whose stages are real and short, run under the real DVC by forks of a process.

DVC and a stage take seconds each to import what they need. A fork has it already, so that a whole
`dvc repro` takes seconds, and many can be killed. What is run is DVC's and ours but for one thing:
where DVC starts a shell that starts `gan-augment`, it forks.
"""

import hashlib
import json
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

SETTINGS = {
    "embed.backbone": "efficientnet-lite0",
    "embed.image_size": 32,
    "train.steps": 30,
    "train.batch_size": 16,
    "train.width": 16,
    "train.eval_interval": 15,
    "train.checkpoint_interval": 10,
    "train.threads": 1,
    "generate.gates": ["copies"],
    "evaluate.repeats": 6,
    "evaluate.arms": ["real", "smote", "gan"],
    "evaluate.classifiers": ["k-nn"],
    "evaluate.tuning_repeats": 0,
    "report.data": "digits",
}
MADE = (*("data/real", "data/features", "data/synthetic", "data/draws", "data/augmented"), "models")
MADE += ("reports", ".dvc/cache", ".dvc/tmp", ".scratch", "dvc.lock")


def make(folder: Path, images: Path) -> None:
    """Make the project around a folder of images."""
    folder.mkdir()
    sets = [f"--set={name}={json.dumps(value)}" for name, value in SETTINGS.items()]
    made = start(folder, "gan-augment", "init", ".", f"--images={images}", *sets)
    assert wait(made) == 0, said(folder)


def start(folder: Path, *command: str, warm: bool = True) -> int:
    """Start a command in a process that leads a group; return its id.

    Args:
        folder: where; what is printed goes into its file `.log`.
        command: DVC's or ours, if it is to be warm: as a fork of this process.
        warm: else it is started as any program is.
    """
    child = os.fork()
    if not child:
        os.setsid()
        os.chdir(folder)
        log = os.open(".log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if not warm:
            os.execvp(command[0], command)
        become(command)
    return child


def said(folder: Path) -> str:
    """Return all that was printed."""
    return (folder / ".log").read_text()


def wait(child: int) -> int:
    """Return the exit code of a child, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def files(folder: Path) -> Mapping[str, str]:
    """Return the hash of every file of a project that is neither git's nor DVC's, by its path."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        skipped = name.startswith((".git/", ".dvc/", ".scratch/locks/")) or name == ".log"
        if path.is_file() and not skipped:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def clear(folder: Path) -> None:
    """Delete all that stages made, and what DVC keeps of it."""
    for name in MADE:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def warm_up() -> None:
    """Import what DVC and all stages import, and read the code as `gan-augment lock` does."""
    import dvc.cli
    import dvc.commands.repro
    import dvc.stage.run

    import gan_augment.assemble.stage
    import gan_augment.classifier.stage
    import gan_augment.embed.stage
    import gan_augment.evaluation.stage
    import gan_augment.gan.stage
    import gan_augment.ingest.stage
    import gan_augment.names
    import gan_augment.report.stage
    import gan_augment.synthesis.stage  # noqa: F401
    from gan_augment.project import code

    # Not by `code.installed`: forks would wait for threads that it starts.
    folder = Path(code.__file__).parents[1]
    modules = (path.relative_to(folder.parent).with_suffix("") for path in folder.rglob("*.py"))
    code.fingerprint([".".join(module.parts) for module in modules], folder)
    dvc.stage.run._run = _fork_stage


def become(command: tuple[str, ...]) -> NoReturn:
    """Run a command line, DVC's or ours, in this process, and end it."""
    program, *arguments = command
    code: object = 1
    try:
        if program == "dvc":
            from dvc.cli import main

            code = main(arguments)
        else:
            from gan_augment.cli import main as ours

            sys.argv = [program, *arguments]
            ours()
            code = 0
    except SystemExit as stop:
        code = stop.code
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


def _fork_stage(_: object, command: str, cwd: str, env: Mapping[str, str], **__: Any) -> None:
    """Do as `dvc.stage.run._run` does."""
    from dvc.stage.exceptions import StageCmdFailedError

    if not (child := os.fork()):
        os.closerange(3, 4096)  # DVC's locks among them
        os.environ.clear()
        os.environ.update(env)
        os.chdir(cwd)
        become(tuple(shlex.split(command)))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = wait(child)
    signal.signal(signal.SIGINT, before)
    if code:
        raise StageCmdFailedError(command, code)
