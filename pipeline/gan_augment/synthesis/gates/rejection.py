"""Rejection: sampling corrected by what the discriminator has learnt."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from gan_augment.gan.sampling import logits
from gan_augment.seeding import rng, seed_of
from gan_augment.synthesis.gates.evidence import Candidates, Evidence, Passed, Scores
from gan_augment.synthesis.gates.sight import SURE, Gate, Sight

ACCEPTED = 0.5
"""Share of the generator's images that should pass: γ is set so."""
EPSILON = 1e-8
CHANCE = 0.5


def rejection(evidence: Evidence) -> Gate:
    """Score by the probability with which an image is accepted, and draw.

    Discriminator rejection sampling (Azadi et al. 2019): with D̃ the calibrated logit and D̃_M its
    largest value, an image passes with probability σ(F), F = D̃ − D̃_M − log(1 − exp(D̃ − D̃_M − ε))
    − γ (eq. 8). D̃ comes from a logistic regression of held-out real against generated images on
    the discriminator's logit, so that σ(D̃) is a probability whatever loss the GAN was trained by.
    γ is such that half of the generator's images pass.
    """
    from scipy.optimize import brentq
    from sklearn.linear_model import LogisticRegression

    discriminator = evidence.trained.discriminator
    real, made = _logits(evidence)
    kinds = np.repeat([1, 0], [len(real), len(made)])
    fitted = LogisticRegression(C=1e6).fit(np.concatenate([real, made])[:, None], kinds)

    def calibrated(raw: Scores) -> Scores:
        result: Scores = fitted.decision_function(raw[:, None])
        return result

    largest = float(calibrated(made).max())

    def advantage(raw: Scores) -> Scores:
        below = np.minimum(calibrated(raw) - largest, 0.0)
        result: Scores = below - np.log1p(-np.exp(below - EPSILON))
        return result

    spread = advantage(made)
    gamma = brentq(
        lambda shift: expit(spread - shift).mean() - ACCEPTED, spread.min() - 9, spread.max() + 9
    )

    def judge(candidates: Candidates, _: Passed) -> tuple[Scores, Passed]:
        label = candidates.label
        raw = logits(discriminator, candidates.pixels, np.full(len(candidates), label))
        chances = expit(advantage(raw) - gamma)
        draws = [
            rng(candidates.seed, "rejection", label, index).random()
            for index in candidates.indices.tolist()
        ]
        return chances, np.array(draws) < chances

    return Gate(judge, _sight(calibrated(real), calibrated(made), len(evidence.validation.classes)))


def _logits(evidence: Evidence) -> tuple[Scores, Scores]:
    """Return the discriminator's logits of held-out real images, and of as many generated ones."""
    trained, validation = evidence.trained, evidence.validation
    drawn = [
        trained.draw(label, range(n), seed_of(evidence.seed, "rejection"), evidence.truncation)
        for label, n in enumerate(validation.counts().tolist())
        if n
    ]
    # Class by class as well, since a minibatch standard deviation tells four alike from a mixture.
    by_class = np.argsort(validation.labels, kind="stable")
    labels = validation.labels[by_class]
    real = logits(trained.discriminator, validation.pixels[by_class], labels)
    return real, logits(trained.discriminator, np.concatenate(drawn), labels)


def _sight(real: Scores, made: Scores, classes: int) -> Sight:
    """Return how well the discriminator tells held-out real images from generated ones.

    By the balanced accuracy at the logit 0; by chance, half.
    """
    shares = np.array([(real > 0).mean(), (made <= 0).mean()])
    sizes = np.array([len(real), len(made)])

    def error(share: float | NDArray[np.float64]) -> float:
        return float(np.sqrt((share * (1 - share) / sizes).sum()) / 2)

    accuracy = float(shares.mean())
    blind = {}
    if accuracy <= CHANCE + SURE * error(CHANCE):
        reason = (
            "the discriminator cannot tell held-out images from generated ones: balanced accuracy "
            f"{accuracy:.2f} on {sizes.sum()}, {CHANCE:.2f} by chance"
        )
        blind = dict.fromkeys(range(classes), reason)
    return Sight("the discriminator", accuracy, error(shares), CHANCE, blind)
