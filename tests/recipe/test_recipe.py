import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from gan_augment.errors import UserError
from gan_augment.recipe import SETTINGS, best, flat, of
from tests.recipes import recipe

PLANNED = {"cat": 0, "dog": 30}
AFFINE = {"policy": "affine", "flip": False, "degrees": 10.0, "translate": 0.1, "scale": 0.1}
VERDICT = {
    "planned": PLANNED,
    "recipe": {"arm": "gan+gmm"},
    "recipes": {
        "real": {**recipe(validation=0.8), "against_real": None},
        "class-weights": recipe(k_nn={"class_weights": {"cat": 0.5, "dog": 1.5}}),
        "gan+gmm": recipe(["gan", "gmm"], 0.93, k_nn={"share": 0.5}, rbf_svm={"share": 2.0}),
        "mixup": recipe(cnn={"again": 1.0, "classic": AFFINE, "mix": ["mixup", 0.4]}),
        "gan-weighted": recipe(["gan"], cnn={"share": 1.0, "weighted": True}),
        "gan-soft": recipe(["gan"], cnn={"share": 0.5, "again": 0.5, "soft": True}),
        "gan+classic": recipe(["gan"], k_nn={"share": 0.5, "classic": AFFINE, "copies": 2}),
        "gan": recipe(["gan"], fine_tuned={"share": 1.0, "of_images": True}),
    },
}


def test_the_one_that_ships_or_another() -> None:
    assert of(VERDICT) == of(VERDICT, "gan+gmm", "k-nn")
    assert (of(VERDICT).methods, of(VERDICT).share) == (("gan", "gmm"), 0.5)
    assert of(VERDICT, None, "rbf-svm").share == 2.0
    assert best(VERDICT["recipes"]) == "gan+gmm"
    assert best(VERDICT["recipes"], ["real", "mixup", "gan-soft"]) == "mixup"


def test_as_an_entry_of_verdict_json() -> None:
    entry = flat(VERDICT["recipes"], "gan+gmm")
    assert (entry["arm"], entry["rows"]) == ("gan+gmm", ["real", "gan", "gmm"])
    assert (entry["classifier"], entry["share"]) == ("k-nn", 0.5)
    assert entry["score"] == {"mean": 0.91, "low": 0.9, "high": 0.92}


def test_it_says_what_to_do_and_what_that_reached() -> None:
    assert of(VERDICT).sentence == (
        "gan+gmm: real images, and synthetic ones by gan and gmm, each of them seen 0.5 times an "
        "epoch. Balanced accuracy 91.0 % (90.0 to 92.0), +1.0 points (+0.0 to +2.0) against real "
        "images alone; test images, mean over classifiers, 95 % intervals."
    )
    assert of(VERDICT, "real").sentence == (
        "real: real images only. Balanced accuracy 91.0 % (90.0 to 92.0); test images, mean over "
        "classifiers, 95 % intervals."
    )
    assert (
        "all transformed (affine), mixed in batches (mixup, α 0.4)" in of(VERDICT, "mixup").sentence
    )


def test_of_features_the_real_images_are_seen_again_transformed() -> None:
    found = of(VERDICT, "gan+classic")
    assert "real ones also as 2 transformed copies (affine)" in found.sentence
    assert "data.embed(copies)" in found.code()
    image = Image.linear_gradient("L")
    picture = found.transform()(image)
    assert isinstance(picture, Image.Image)
    assert (picture.size, picture.mode) == (image.size, "L")
    assert "torch." not in found.code()
    assert 'data.torch().sampler(arm="gan+classic")' in found.code()
    assert '# data.recipe_of(arm="gan+classic").transform()' in found.code()


def test_what_learns_from_images_gets_them_from_a_table_with_features() -> None:
    found = of(VERDICT, "gan")
    assert "train = data.torch(transform=transform)" in found.code()
    made: dict[str, object] = {"torch": torch, "v2": v2}
    lines = found.code().splitlines()
    start = lines.index("transform = v2.Compose([")
    end = next(n for n, line in enumerate(lines) if line.startswith("])"))
    exec("\n".join(lines[start : end + 1]), made)
    picture = Image.linear_gradient("L")
    torch.testing.assert_close(made["transform"](picture), found.transform()(picture))


def test_the_settings_of_every_classifier() -> None:
    assert of(VERDICT).settings == [
        ["k-nn", "0.5", "0", "–", "90.0"],
        ["rbf-svm", "2", "0", "–", "90.0"],
    ]
    assert of(VERDICT, "mixup").settings == [["cnn", "0", "1", "affine", "90.0"]]
    assert len(SETTINGS) == 5


@pytest.mark.parametrize("arm", VERDICT["recipes"])
def test_the_code_is_code(arm: str) -> None:
    code = of(VERDICT, arm).code("some/where")
    compile(code, arm, "exec")
    assert 'data = load("some/where"' in code
    assert ("import torch\n" in code) == ("torch." in code.replace("torch.utils", ""))
    assert ("import v2" in code) == ("v2." in code)


def test_what_the_loss_and_the_batches_need() -> None:
    weights = of(VERDICT, "class-weights")
    assert weights.class_weights == {"cat": 0.5, "dog": 1.5}
    assert "CrossEntropyLoss(weight=torch.tensor([0.5, 1.5]))" in weights.code()
    assert "data.torch(weighted=True)" in of(VERDICT, "gan-weighted").code()
    assert "data.torch(soft=True)" in of(VERDICT, "gan-soft").code()
    assert of(VERDICT, "real").mixer() is None
    mixer = of(VERDICT, "mixup").mixer()
    assert isinstance(mixer, v2.MixUp)
    _, labels = mixer(torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 0, 1]))
    assert labels.shape == (4, 2)
    assert "mix = v2.MixUp(alpha=0.4, num_classes=2)" in of(VERDICT, "mixup").code()


@pytest.mark.parametrize(
    ("arm", "classifier", "complaint"),
    [
        ("classic", None, "arm = 'classic': .*allowed: real, class-weights"),
        ("real", "svm", "classifier = 'svm': allowed: k-nn"),
    ],
)
def test_what_there_is_not(arm: str, classifier: str | None, complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        of(VERDICT, arm, classifier)


def test_a_verdict_of_an_older_version() -> None:
    with pytest.raises(UserError, match="names no recipe"):
        of({"overall": {}})
