"""Benchmarks take hours; what they ask for is checked here."""

import pytest

from benchmarks.studies import STUDIES, params
from gan_augment import names
from gan_augment.evaluation.arms import ARMS


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_asks_for_what_there_is(name: str) -> None:
    settings = params(name)
    names.check(settings)
    kinds = {ARMS[arm].kind for arm in settings.evaluate.arms}
    assert kinds - {"control"} == {"gan", "plain"}
    assert ("control" in kinds) == (name != "digits-20-short")
    assert settings.evaluate.tuning_repeats == (1 if name in ("digits-20", "digits-8") else 0)
