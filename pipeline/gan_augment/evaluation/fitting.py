"""What of the section `evaluate` fits the samples: features of a backbone bear fewer methods."""

from gan_augment.errors import UserError
from gan_augment.evaluation.arms import ARMS
from gan_augment.evaluation.classifiers import classifier
from gan_augment.params import EvaluateParams
from gan_augment.table import FeatureSpace


def fitting(params: EvaluateParams, space: FeatureSpace | None) -> EvaluateParams:
    """Return params without the arms that samples of this kind have no use for, and tell which.

    Args:
        params: the section `evaluate`.
        space: whose features the samples are; None for images.

    Raises:
        UserError: a classifier learns from images alone.
    """
    if space is None:
        return params
    if of_images := [name for name in params.classifiers if classifier(name).in_steps]:
        raise UserError(
            f"evaluate.classifiers: {', '.join(of_images)} cannot learn from the features of "
            f"{space.backbone}: use mlp, or set embed.backbone to none"
        )
    left_out = [arm for arm in params.arms if ARMS[arm].networks]
    if left_out:
        print(
            f"evaluate: without {', '.join(left_out)}: for what learns in steps from images, and "
            f"classifiers see features of {space.backbone}"
        )
    kept = tuple(arm for arm in params.arms if arm not in left_out)
    if not any(ARMS[arm].kind == "gan" for arm in kept):
        raise UserError("evaluate.arms: no arm with the GAN is left: add gan")
    return params.model_copy(update={"arms": kept})
