"""One replicate: what is finished is not done again, and threads are not left to the machine."""

from pathlib import Path

import pytest

from gan_augment.errors import UserError
from gan_augment.evaluation import stage as evaluate
from gan_augment.gan import stage as train
from gan_augment.params import Params
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


def test_a_refusal_names_it(tmp_path: Path, quick: Params) -> None:
    ingest = quick.ingest.model_copy(update={"scarcity": {"no such class": 3}})
    replicate = Replicate(quick.model_copy(update={"ingest": ingest}), tmp_path / "7")
    with pytest.raises(UserError, match="in .*/7: "):
        replicate.run()


@pytest.mark.parametrize(("asked", "taken"), [(None, 1), (2, 2)])
def test_threads_are_those_of_the_params_or_one(
    asked: int | None, taken: int, tmp_path: Path, quick: Params
) -> None:
    own = quick.train.model_copy(update={"threads": asked})
    replicate = Replicate(quick.model_copy(update={"train": own}), tmp_path)
    assert replicate.params.train.threads == taken
