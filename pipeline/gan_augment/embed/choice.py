"""Which backbone looks at images of a size, if any."""

from gan_augment.params import EmbedParams

NONE = "none"
AUTO = "auto"
PIXELS_UP_TO = 32
"""`auto` embeds images with a longer side; smaller ones say as much by their pixels."""

DEFAULT = "efficientnet-lite0"


def chosen(params: EmbedParams, longest_side: int) -> str:
    """Return the name of the backbone for images of this size: `none`, or one to `load`."""
    if params.backbone != AUTO:
        return params.backbone
    return DEFAULT if longest_side > PIXELS_UP_TO else NONE
