from gan_augment.embed.choice import chosen
from gan_augment.params import EmbedParams


def test_auto_is_for_what_pixels_do_not_say() -> None:
    assert chosen(EmbedParams(), 32) == "none"
    assert chosen(EmbedParams(), 33) == "efficientnet-lite0"
    assert chosen(EmbedParams(backbone="resnet18"), 8) == "resnet18"
