"""Names in params.yaml that stand for code, checked against their registries before any work.

A typo in the last stage's settings should not be found after an hour of the first stage's work.
"""

from pipeline.errors import UserError, choose
from pipeline.params import Params


def check(params: Params) -> None:
    """Refuse a source, network, loss, arm or classifier that does not exist.

    Raises:
        UserError: names the key, the value and what is allowed.
    """
    from pipeline.evaluation.arms import ARMS
    from pipeline.evaluation.classifiers import CLASSIFIERS
    from pipeline.gan.recipe import check_names
    from pipeline.ingest.sources import SOURCES
    from pipeline.synthesis import stage as synthesis

    choose(SOURCES, params.ingest.source, "ingest.source")
    check_names(params.train)
    synthesis.check_names(params.generate)
    kinds = [choose(ARMS, name, "evaluate.arms").kind for name in params.evaluate.arms]
    if "gan" not in kinds:
        names = ", ".join(name for name, arm in ARMS.items() if arm.kind == "gan")
        raise UserError(f"evaluate.arms: a verdict needs at least one of {names}")
    for name in params.evaluate.classifiers:
        choose(CLASSIFIERS, name, "evaluate.classifiers")
