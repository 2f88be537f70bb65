"""Bad input through the command line: one message, exit code 1, nothing lost."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors import SafetensorError

from gan_augment import table
from tests.conftest import CommandLine, refusal


def check(outcome: tuple[int, str], *messages: str) -> None:
    refusal(outcome)
    for message in messages:
        assert message in outcome[1]


@pytest.fixture
def existing(tmp_path: Path, digits: Path) -> Path:
    """Return data/real as an earlier run left it."""
    real = tmp_path / "data" / "real"
    real.parent.mkdir()
    real.symlink_to(digits)
    return real


def folder_params(path: Path, **more: object) -> dict[str, object]:
    return {"source": "folder", "path": str(path), "scarcity": {}, **more}


def test_an_empty_folder(cli: CommandLine, tmp_path: Path, existing: Path) -> None:
    (tmp_path / "empty").mkdir()
    before = table.table_hash(existing)
    check(cli("ingest", ingest=folder_params(tmp_path / "empty")), "holds no class directories")
    assert table.table_hash(existing) == before


def test_a_missing_source(cli: CommandLine, tmp_path: Path) -> None:
    check(cli("ingest", ingest=folder_params(tmp_path / "no")), "/no': no such folder")
    assert not (tmp_path / "data").exists()


def test_an_empty_class(cli: CommandLine, folder_of_images: Path) -> None:
    (folder_of_images / "none").mkdir()
    check(cli("ingest", ingest=folder_params(folder_of_images)), "none' holds no images")


def test_a_class_with_one_image(cli: CommandLine, folder_of_images: Path) -> None:
    (folder_of_images / "one").mkdir()
    next(folder_of_images.glob("digit 0/*")).rename(folder_of_images / "one" / "x.png")
    code, printed = cli("ingest", ingest=folder_params(folder_of_images))
    assert code == 0
    assert "warning: class 'one' has 1 separable group of images and none in vali" in printed


def test_a_single_class(cli: CommandLine, folder_of_images: Path) -> None:
    for label in (1, 2):
        (folder_of_images / f"digit {label}").rename(folder_of_images / f".digit {label}")
    check(cli("ingest", ingest=folder_params(folder_of_images)), "only the class 'digit 0'")


def test_a_corrupt_image(cli: CommandLine, folder_of_images: Path, existing: Path) -> None:
    (folder_of_images / "digit 1" / "3.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    before = table.table_hash(existing)
    outcome = cli("ingest", ingest=folder_params(folder_of_images, max_rejected=0.01))
    check(outcome, "digit 1/3.png is in no image format that is read", "max_rejected = 0.01")
    assert table.table_hash(existing) == before


def test_a_params_typo(cli: CommandLine) -> None:
    check(cli("train", train={"stepz": 5}), "train.stepz: unknown key; did you mean 'steps'?")


def test_a_negative_step_count(cli: CommandLine) -> None:
    check(cli("train", train={"steps": -5}), "train.steps = -5: should be greater than")


def test_a_typo_in_the_last_stage_stops_the_first(cli: CommandLine, tmp_path: Path) -> None:
    check(cli("ingest", evaluate={"classifiers": ["svm"]}), "evaluate.classifiers = 'svm'")
    assert not (tmp_path / "data").exists()


def test_a_stage_before_its_inputs(cli: CommandLine) -> None:
    for stage in ("train", "generate", "evaluate", "report", "assemble", "verdict"):
        check(cli(stage), "run the stage that makes it (`dvc repro`)")


def test_images_the_network_cannot_make(cli: CommandLine, tmp_path: Path) -> None:
    assert cli("ingest", ingest={"image_size": 34, "scarcity": {}})[0] == 0
    outcome = cli("train", train={"steps": 2, "network": "resnet"})
    check(outcome, "train.network: images of 34×34 pixels", "multiple of 8")
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("option", "shown"),
    [
        ("--help", ["ingest", "train", "evaluate", "report", "assemble", "verdict"]),
        ("--version", ["gan-augment 0."]),
    ],
)
def test_help_and_version_need_no_heavy_import(option: str, shown: list[str]) -> None:
    code = (
        f"import sys; sys.argv = ['gan-augment', {option!r}]\n"
        "from gan_augment.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'pandas', 'pyarrow', 'pydantic', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    for text in shown:
        assert text in printed


@pytest.mark.parametrize(
    ("stage", "heavy"),
    [
        ("assemble", {"torch"}),
        ("report", {"torch"}),
        ("evaluation", {"torchvision", "scipy.stats"}),
    ],
)
def test_a_stage_imports_no_library_that_it_seldom_needs(stage: str, heavy: set[str]) -> None:
    code = f"import sys, gan_augment.{stage}.stage; print(*({heavy!r} & set(sys.modules)))"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "\n"


@pytest.mark.usefixtures("existing")
def test_a_plan_that_wants_nothing_is_refused_before_training(
    cli: CommandLine, tmp_path: Path
) -> None:
    outcome = cli("train", generate={"plan": {"classes": {"3": 0}}})
    check(outcome, "wants no synthetic image", "Write `plan: auto`", "No generator was trained")
    assert not (tmp_path / "models").exists()
    assert not (tmp_path / ".scratch" / "train").exists()


def test_training_without_real_images(cli: CommandLine) -> None:
    check(cli("train"), "data/real")


def test_publishing_in_a_folder_that_is_no_project(cli: CommandLine, tmp_path: Path) -> None:
    check(cli("publish"), f"{tmp_path} is not the root of a DVC repository")
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


@pytest.mark.parametrize("command", ["doctor", "lock"])
def test_a_project_that_is_not_there(command: str, cli: CommandLine, tmp_path: Path) -> None:
    check(cli(command, "--root", "nowhere"), "--root nowhere is not there: name the folder")
    check(cli(command, "--root", "params.yaml"), "--root params.yaml is a file, not a folder: ")
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


def full(*_: object) -> None:
    with Path("/dev/full").open("w") as file:
        file.write("x")


def full_in_words(*_: object) -> None:
    raise SafetensorError("I/O error: No space left on device (os error 28)")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("write", [full, full_in_words])
def test_a_full_disk_is_one_message(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, write: Callable[..., None]
) -> None:
    quick = {"steps": 4, "width": 16, "eval_interval": 2, "checkpoint_interval": 2}
    assert cli("ingest", train=quick)[0] == 0
    monkeypatch.setattr("gan_augment.gan.loop.Loop.run", write)
    check(cli("train", train=quick), "error: no space left on device", "the same command goes on")


LONG = "n" * 300


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("verdict", "--reports", "blocked"), "blocked/verdict.json: Is a directory"),
        (("report", "--reports", "params.yaml"), "params.yaml/verdict.json: Not a directory"),
        (("lock", "--root", "blocked"), "blocked/gan-augment.lock: Is a directory"),
        (("init", LONG), f"{LONG}/dvc.yaml: File name too long"),
        (("pull", LONG), f"{LONG}: File name too long"),
        (("pull", "params.yaml"), "params.yaml is a file, not a folder"),
    ],
)
def test_files_that_cannot_be_read_are_one_message(
    cli: CommandLine, tmp_path: Path, command: tuple[str, ...], said: str
) -> None:
    for name in ("verdict.json", "gan-augment.lock"):
        (tmp_path / "blocked" / name).mkdir(parents=True)
    check(cli(*command), f"error: {said}\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_to_be_stopped_is_one_message(number: signal.Signals) -> None:
    code = (
        "from time import sleep\n"
        "from gan_augment import cli\n"
        "cli.app = lambda: print('at work', flush=True) or sleep(60)\n"
        "cli.main()"
    )
    command = [sys.executable, "-c", code]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "at work\n"
        process.send_signal(number)
        said = process.communicate(timeout=10)[1]
    assert process.returncode == 130
    assert said == "stopped; what was finished is kept, and the same command goes on\n"


def test_other_faults_stay_what_they_are(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("gan_augment.ingest.stage.run", wrong)
    with pytest.raises(ZeroDivisionError):
        cli("ingest")


def test_a_path_with_escape_codes_does_not_reach_the_terminal(cli: CommandLine) -> None:
    outcome = cli("ingest", ingest={"source": "folder", "path": "a\x1b[31mb"})
    check(outcome, "a\\x1b[31mb")
    assert "\x1b" not in outcome[1]


def test_a_class_named_with_escape_codes_does_not_reach_the_terminal(cli: CommandLine) -> None:
    names = ["\x1b[2Jnone", *"bcdefghij"]
    code, printed = cli("ingest", ingest={"class_names": names, "limit": 12, "scarcity": {}})
    assert code == 0, printed
    assert "\\x1b[2Jnone" in printed
    assert "\x1b" not in printed
