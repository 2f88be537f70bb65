"""What of the section `evaluate` fits the samples: features of a backbone bear fewer methods."""

from gan_augment.errors import UserError
from gan_augment.evaluation.arms import ARMS, of_real_images
from gan_augment.evaluation.classifiers import classifier
from gan_augment.params import EvaluateParams
from gan_augment.table import FeatureSpace


def fitting(
    params: EvaluateParams, space: FeatureSpace | None, backbone: FeatureSpace | None
) -> EvaluateParams:
    """Return params without the arms that samples of this kind have no use for, and tell which.

    Args:
        params: the section `evaluate`.
        space: whose features the samples are; None for images.
        backbone: whose features classifiers see, if any.

    Raises:
        UserError: a classifier learns from images alone, or from a backbone that there is not; or
            no arm with the GAN is left.
    """
    if backbone is None and (of_backbone := [n for n in params.classifiers if _of_backbone(n)]):
        raise UserError(
            f"evaluate.classifiers: {of_backbone[0]} starts from a pretrained network, and "
            "embed.backbone names none"
        )
    if space is None:
        require_gan(params)
        return params
    networks = [n for n in params.classifiers if classifier(n).in_steps and not _of_backbone(n)]
    if networks:
        raise UserError(
            f"evaluate.classifiers: {', '.join(networks)} cannot learn from the features of "
            f"{space.backbone}: use mlp, or set generate.space to pixels"
        )
    names = params.classifiers
    kept = [arm for arm in params.arms if any(applicable(arm, name, space) for name in names)]
    if left_out := [arm for arm in params.arms if arm not in kept]:
        print(
            f"evaluate: without {', '.join(left_out)}: for what learns in steps from images, and "
            f"classifiers see features of {space.backbone}"
        )
    require_gan(params, space)
    return params.model_copy(update={"arms": tuple(kept)})


def require_gan(params: EvaluateParams, space: FeatureSpace | None = None) -> None:
    """Refuse a comparison in which no classifier can be trained on an arm with the GAN.

    What cannot be compared on images cannot on features either.

    Args:
        params: the section `evaluate`.
        space: whose features the samples are; None for images.

    Raises:
        UserError: there is none; says what to add.
    """
    gan_arms = [arm for arm in params.arms if ARMS[arm].kind == "gan"]
    if any(applicable(arm, name, space) for arm in gan_arms for name in params.classifiers):
        return
    advice = "add gan, or to the classifiers one that learns in steps, such as cnn"
    if space:
        advice = "add gan, and to the classifiers one that sees features, or set generate.space to "
        advice += "pixels"
    raise UserError(f"evaluate.arms: no arm with the GAN is left: {advice}")


def applicable(arm: str, name: str, space: FeatureSpace | None = None) -> bool:
    """Return whether a classifier can be trained on an arm.

    Args:
        arm: its name.
        name: that of the classifier.
        space: whose features the samples are; None for images. What learns from images needs arms
            of real images then.
    """
    in_steps = classifier(name).in_steps
    if in_steps and space:
        return of_real_images(arm)
    return in_steps or not ARMS[arm].networks


def _of_backbone(name: str) -> bool:
    return classifier(name).pretrained
