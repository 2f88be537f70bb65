"""A project of the real one's shape whose stages take no time, with a git and a DVC remote."""

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from gan_augment.project import code
from tests.environment import SETTINGS
from tests.recipes import recipe

ROOT = Path(__file__).parents[1]
STAGES = {
    "ingest": {
        "cmd": "mkdir -p data/real && cat data/raw/* > data/real/part.txt",
        "deps": ["data/raw"],
        "params": ["ingest"],
        "outs": ["data/real"],
    },
    "train": {
        "cmd": "sh train.sh",
        "deps": ["data/real", "train.sh"],
        "params": ["train"],
        "outs": ["models/generator"],
    },
    "generate": {
        "cmd": "mkdir -p reports/synthesis && cp gate.json reports/synthesis/memorisation.json",
        "deps": ["models/generator", "gate.json"],
        "params": ["generate"],
        "outs": ["reports/synthesis"],
    },
    "evaluate": {
        "cmd": "cp verdict.json metrics.json reports",
        "deps": ["reports/synthesis", "verdict.json", "metrics.json"],
        "outs": ["reports/verdict.json"],
        "metrics": ["reports/metrics.json"],
    },
    "assemble": {
        "cmd": "mkdir -p data/augmented && cp models/generator/weights data/augmented/part.txt",
        "deps": ["models/generator", "reports/verdict.json"],
        "params": ["assemble"],
        "outs": ["data/augmented"],
    },
}
RECIPES = {"real": recipe(validation=0.8, beats_real=False), "gan": recipe(["gan"])}
TRAIN = "mkdir -p models/generator && cp data/real/part.txt models/generator/weights\n"


@dataclass(frozen=True)
class Project:
    """A checkout `root` and its remotes `git` (bare) and `store` (DVC), beside it or `beside`."""

    root: Path
    beside: Path | None = None

    @property
    def git(self) -> Path:
        return (self.beside or self.root.parent) / "git.git"

    @property
    def store(self) -> Path:
        return (self.beside or self.root.parent) / "store"

    def run(self, *command: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            command, cwd=cwd or self.root, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def write(self, **files: dict[str, object]) -> None:
        """Write `name.json`s of the project: what the stages copy to the reports."""
        for name, content in files.items():
            more = {"recipes": RECIPES, "planned": {}} if name == "verdict" else {}
            (self.root / f"{name}.json").write_text(json.dumps({**more, **content}))

    def change(self, section: str, key: str, value: object) -> None:
        path = self.root / "params.yaml"
        params = yaml.safe_load(path.read_text())
        params[section][key] = value
        path.write_text(yaml.safe_dump(params))

    def hint(self, stage: str, **hints: object) -> None:
        path = self.root / "dvc.yaml"
        content = yaml.safe_load(path.read_text())
        content["stages"][stage]["meta"] = {"flow": hints}
        path.write_text(yaml.safe_dump(content, sort_keys=False))

    def upgrade(self, **stages: str) -> None:
        """Have `lock` write gan-augment.lock as installed code would, but for the given stages."""
        content = code.installed()
        content["stages"] |= stages
        (self.root / "installed.yaml").write_text(yaml.safe_dump(content))

    def add_lock(self) -> None:
        """Add a stage `lock`, which runs always, and its key to `train`; build and commit."""
        path = self.root / "dvc.yaml"
        content = yaml.safe_load(path.read_text())
        copied = "cmp -s installed.yaml gan-augment.lock || cp installed.yaml gan-augment.lock"
        out = {"gan-augment.lock": {"cache": False, "persist": True}}
        lock = {"cmd": copied, "always_changed": True, "outs": [out]}
        content["stages"]["train"]["params"].append({"gan-augment.lock": ["stages.train"]})
        content["stages"] = {"lock": lock, **content["stages"]}
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        self.upgrade()
        self.rebuild()
        self.commit("lock")

    def commit(self, message: str = "change") -> None:
        self.run("git", "add", "--all", ":!dvc.lock")
        self.run("git", "commit", "--quiet", "--message", message)

    def rebuild(self) -> None:
        self.run("dvc", "repro", "--quiet")

    def tags(self) -> list[str]:
        """Return the tags of the git remote, which is what consumers see."""
        return self.run("git", "tag", cwd=self.git).split()


@pytest.fixture(scope="session")
def _settings() -> Iterator[None]:
    """Set what commands that tests start should find in their environment."""
    # What a shell runs in the background ignores interrupts, and so would all that tests start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def built(_settings: None, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project whose stages are all up to date; tests take copies."""
    project = Project(tmp_path_factory.mktemp("built") / "project")
    root = project.root
    (root / "data/raw").mkdir(parents=True)
    (root / "data/raw/a.txt").write_text("a\n")
    (root / "train.sh").write_text(TRAIN)
    artifact = {"path": "data/augmented"}
    content = {"stages": STAGES, "artifacts": {"augmented": artifact}}
    (root / "dvc.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    shutil.copy(ROOT / "params.yaml", root)
    project.write(
        gate={"passed": True, "reasons": []},
        verdict={"overall": {"verdict": "helps", "sentence": "gan helps."}},
        metrics={"verdict": "helps", "gan": 50.0},
    )
    ignored = ("/data/real", "/data/augmented", "/models", "/reports/*", "!/reports/.gitkeep")
    (root / ".gitignore").write_text("\n".join(ignored) + "\n")
    (root / "reports").mkdir()
    (root / "reports/.gitkeep").touch()
    project.run("git", "init", "--quiet", "--initial-branch", "main")
    project.run("git", "init", "--quiet", "--bare", "--initial-branch", "main", "../git.git")
    project.run("git", "remote", "add", "origin", "../git.git")
    project.run("dvc", "init", "--quiet")
    project.run("dvc", "config", "core.analytics", "false")
    project.run("dvc", "remote", "add", "--quiet", "--default", "store", str(project.store))
    project.run("dvc", "add", "--quiet", "data/raw")
    project.rebuild()
    project.commit("start")
    project.run("git", "push", "--quiet", "origin", "main")
    return project


def copy(project: Project, folder: Path) -> Project:
    """Copy a project and its remotes; the copy's DVC remote is the copied one."""
    shutil.copytree(project.root.parent, folder, symlinks=True)
    copied = Project(folder / "project")
    config = copied.root / ".dvc/config"
    config.write_text(config.read_text().replace(str(project.store), str(copied.store)))
    copied.commit("elsewhere")
    copied.run("git", "push", "--quiet", "origin", "main")
    return copied


def change_data(project: Project) -> None:
    """Make the next version differ: a new source file, tracked and rebuilt."""
    (project.root / "data/raw/b.txt").write_text("b\n")
    project.run("dvc", "add", "--quiet", "data/raw")
    project.rebuild()
