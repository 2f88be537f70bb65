"""Names in params.yaml that stand for code, checked against their registries before any work.

A typo in the last stage's settings should not be found after an hour of the first stage's work.
"""

from gan_augment.errors import UserError, choose
from gan_augment.params import Params


def check(params: Params) -> None:
    """Refuse a source, network, loss, arm or classifier that does not exist, or arms without a GAN.

    Raises:
        UserError: names the key, the value and what is allowed.
    """
    from gan_augment.evaluation.arms import ARMS
    from gan_augment.evaluation.classic import POLICIES
    from gan_augment.evaluation.classifiers import classifier
    from gan_augment.evaluation.fitting import require_gan
    from gan_augment.gan.recipe import check_names
    from gan_augment.ingest.sources import SOURCES
    from gan_augment.synthesis import stage as synthesis

    choose(SOURCES, params.ingest.source, "ingest.source")
    check_names(params.train)
    synthesis.check_names(params.generate)
    kinds = [choose(ARMS, name, "evaluate.arms").kind for name in params.evaluate.arms]
    if "gan" not in kinds:
        names = ", ".join(name for name, arm in ARMS.items() if arm.kind == "gan")
        raise UserError(f"evaluate.arms: a verdict needs at least one of {names}")
    choose(POLICIES, params.evaluate.classic.policy, "evaluate.classic.policy")
    for name in params.evaluate.classifiers:
        classifier(name)
    require_gan(params.evaluate)
