"""One replicate: what is finished is not done again, and threads are not left to the machine."""

import os
import sys
from pathlib import Path

import pytest

from gan_augment import storage
from gan_augment.errors import UserError
from gan_augment.evaluation import stage as evaluate
from gan_augment.gan import stage as train
from gan_augment.params import Params
from gan_augment.study import replicate as module
from gan_augment.study.replicate import Replicate


def test_it_goes_on_where_it_was(
    tmp_path: Path, quick: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    run_train, run_evaluate = train.run, evaluate.run

    def trained(*args: object) -> None:
        ran.append("train")
        run_train(*args)  # type: ignore[arg-type]

    def killed(*args: object) -> None:
        ran.append("evaluate")
        if ran.count("evaluate") == 1:
            raise KeyboardInterrupt
        run_evaluate(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(train, "run", trained)
    monkeypatch.setattr(evaluate, "run", killed)
    with pytest.raises(KeyboardInterrupt):
        Replicate(quick, tmp_path).run()
    Replicate(quick, tmp_path).run()
    assert ran == ["train", "evaluate", "evaluate"]
    other = quick.ingest.model_copy(update={"seed": 9})
    Replicate(quick.model_copy(update={"ingest": other}), tmp_path).run()
    assert ran[3:] == ["train", "evaluate"]  # other images
    monkeypatch.setattr(storage, "_code", lambda: "of another version")
    Replicate(quick.model_copy(update={"ingest": other}), tmp_path).run()
    assert ran[5:] == ["train", "evaluate"]


def test_the_users_own_classifier_is_part_of_what_its_results_depend_on(
    tmp_path: Path, quick: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_of_a_study.py").write_text(
        "from sklearn.dummy import DummyClassifier\nclass Own(DummyClassifier): pass\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "own_of_a_study", raising=False)
    own = quick.evaluate.model_copy(update={"classifiers": ("own_of_a_study:Own",)})
    replicate = Replicate(quick.model_copy(update={"evaluate": own}), tmp_path / "0")
    replicate.ingest()
    before = replicate.fingerprint()
    assert replicate.fingerprint() == before
    with (tmp_path / "own_of_a_study.py").open("a") as file:
        file.write("# mended\n")
    assert replicate.fingerprint() != before


def test_a_refusal_names_it(tmp_path: Path, quick: Params) -> None:
    ingest = quick.ingest.model_copy(update={"scarcity": {"no such class": 3}})
    replicate = Replicate(quick.model_copy(update={"ingest": ingest}), tmp_path / "7")
    with pytest.raises(UserError, match="in .*/7: "):
        replicate.run()


def test_what_a_killed_study_was_deleting_goes_first(tmp_path: Path) -> None:
    folder = tmp_path / "0123456789abcdef"
    for left in (folder / "0", tmp_path / f".{folder.name}.deleted" / "0"):
        left.mkdir(parents=True)
        (left / "evaluate.done").touch()
    with module.one_at_a_time(tmp_path):
        assert sorted(path.name for path in tmp_path.iterdir()) == [folder.name, "lock"]


@pytest.mark.parametrize(("asked", "taken"), [(None, 1), (2, 2)])
def test_threads_are_those_of_the_params_or_one(
    asked: int | None, taken: int, tmp_path: Path, quick: Params
) -> None:
    own = quick.train.model_copy(update={"threads": asked})
    replicate = Replicate(quick.model_copy(update={"train": own}), tmp_path)
    assert replicate.params.train.threads == taken


def test_a_long_study_says_how_far_the_stage_is_that_has_just_told(
    tmp_path: Path, quick: Params
) -> None:
    replicates = [Replicate(quick, tmp_path / name) for name in ("a", "b")]
    assert module._at_work(replicates, 0) == ""
    told = {
        "a": "train: 1/9 steps, 4 min left at 2.0 images/s\n",
        "b": "x" * 2_000 + "\ntrain: 5/9 steps, 3 min left at 2.0 images/s\nwarning: no progress\n",
    }
    for time, (name, log) in enumerate(told.items()):
        (tmp_path / name).mkdir()
        (tmp_path / name / module.LOG).write_text(log)
        os.utime(tmp_path / name / module.LOG, (time, time))
    wanted = "(b: train: 5/9 steps, 3 min left at 2.0 images/s)"
    assert module._at_work(replicates, 0) == wanted
    assert module._at_work(replicates, 1) == ""  # logs of other machines come in the end


def test_finished_replicates_are_not_run_again(
    tmp_path: Path, quick: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    replicates = [Replicate(quick, tmp_path / name) for name in ("a", "b", "c")]
    replicates[1].ingest()
    for stage in module.STAGES:
        (tmp_path / "b" / f"{stage}.done").write_text(replicates[1].fingerprint())
        (tmp_path / "c" / f"{stage}.done").parent.mkdir(exist_ok=True)
        (tmp_path / "c" / f"{stage}.done").write_text("other images")
    ran: list[list[str]] = []
    monkeypatch.setattr(
        module, "side_by_side", lambda *given: ran.append([one.folder.name for one, _ in given[1]])
    )
    module.run_all(replicates, "study")
    assert ran == [["a", "c"]]
    assert (tmp_path / "a" / "real").is_dir()
    assert "ingest: 1353 images" in (tmp_path / "a" / module.LOG).read_text()
