from pathlib import Path

import numpy as np
import pytest

from gan_augment import table
from gan_augment.data import Data
from gan_augment.data.mixing import chosen, times
from gan_augment.errors import UserError
from gan_augment.evaluation.arms import ARMS, Material
from gan_augment.params import ClassicParams
from tests.data.conftest import VERDICT


def seen(data: Data, share: float, *, fill: bool) -> np.ndarray:
    """Return how many rows of each origin and class an epoch has, in the mean."""
    often = times(data.labels, data.synthetic, share, fill=fill)
    classes = len(data.classes)
    return np.stack(
        [
            np.bincount(data.labels[rows], often[rows], minlength=classes)
            for rows in (~data.synthetic, data.synthetic)
        ]
    )


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("arm", ["gan", "gan+classic"])
def test_a_share_gives_the_training_sets_that_evaluation_compared(
    arm: str, share: float, data: Data, project: Path
) -> None:
    real, synthetic = (
        table.decode(rows.combine_chunks())
        for rows in (
            next(table.scan(project / "data/augmented", "train")),
            next(table.scan(project / "data/synthetic", "train")),
        )
    )
    kept = (real.rows["origin"] == "real").to_numpy()
    real = table.Images(real.pixels[kept], real.labels[kept], real.classes, real.rows[kept])
    material = Material(real, synthetic, synthetic, ClassicParams())
    made = ARMS[arm].prepare(material, 0)(share, ClassicParams())
    compared = np.stack(
        [np.bincount(made.labels[rows], minlength=10) for rows in (~made.synthetic, made.synthetic)]
    )
    found = seen(data, share, fill=ARMS[arm].on_classic)
    np.testing.assert_allclose(found, compared, atol=0.5)  # evaluation takes whole images


def test_shares_are_not_negative(data: Data) -> None:
    for share in (-0.1, float("nan")):
        with pytest.raises(UserError, match="should be a number of 0 or more, or 'verdict'"):
            times(data.labels, data.synthetic, share, fill=False)


def test_what_validation_chose_for_the_arm_of_what_ships() -> None:
    assert chosen({**VERDICT, "ships": {"method": "smote"}}, None, None) == ("smote", 0.5, False)
    assert chosen({**VERDICT, "ships": {"method": "gan"}}, None, None) == ("gan", 1.5, False)
    assert chosen(VERDICT, None, "rbf-svm") == ("smote", 0.75, False)
    assert chosen(VERDICT, "smote+classic", None) == ("smote+classic", 0.5, True)
    transformed = {**VERDICT["overall"], "alternative": "smote+classic"}
    assert chosen({**VERDICT, "overall": transformed}, None, None) == ("smote+classic", 0.5, True)


@pytest.mark.parametrize(
    ("arm", "classifier", "complaint"),
    [
        ("gmm", None, "arm = 'gmm': .*allowed: real, smote, smote\\+classic, gan, classic"),
        ("classic", None, "arm = 'classic': what validation chose for it is no share"),
        ("real", None, "arm = 'real': what validation chose for it is no share"),
        ("gan", "svm", "classifier = 'svm': did you mean 'rbf-svm'\\?"),
    ],
)
def test_choices_that_are_none(arm: str, classifier: str | None, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        chosen(VERDICT, arm, classifier)


def test_without_a_verdict() -> None:
    with pytest.raises(UserError, match=r"no verdict.json: say share=1.0"):
        chosen(None, None, None)
