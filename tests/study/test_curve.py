"""A learning curve of real digits with tiny settings."""

import io
import xml.etree.ElementTree as ET
from contextlib import redirect_stdout
from pathlib import Path

import pandas as pd
import pytest

from gan_augment.errors import UserError
from gan_augment.params import Params, Plan
from gan_augment.study import curve
from tests.study.conftest import deletions


def outputs(folder: Path) -> dict[str, Path]:
    return {"curve": folder / "curve", "scratch": folder / "scratch"}


@pytest.fixture(scope="module")
def printed() -> list[str]:
    """Return what the run printed, once there was one."""
    return []


@pytest.fixture(scope="module")
def deleted() -> list[str]:
    """Return the names under which its replicates were deleted, once it has run."""
    return []


@pytest.fixture(scope="module")
def done(
    tmp_path_factory: pytest.TempPathFactory,
    quick: Params,
    printed: list[str],
    deleted: list[str],
) -> Path:
    folder = tmp_path_factory.mktemp("done")
    with redirect_stdout(io.StringIO()) as out, deletions() as names:
        curve.run(quick, [5, 40, 5000], outputs(folder))
    printed += out.getvalue().splitlines()
    deleted += names
    return folder / "curve"


def test_more_real_images_make_better_classifiers(done: Path) -> None:
    found = pd.read_csv(done / "curve.csv").set_index("images")
    assert found.index.tolist() == [5, 40]  # no class has 5,000
    assert found["real_score"][40] > found["real_score"][5] + 0.05
    for kind, other in (("against_real", "real"), ("against_alternative", "alternative")):
        mean = found[f"{kind}_mean"]
        assert mean.tolist() == pytest.approx(
            (found["gan_arm_score"] - found[f"{other}_score"]).tolist(), abs=1e-5
        )
        assert (found[f"{kind}_low"] <= mean).all()
        assert (found[f"{kind}_high"] >= mean).all()


def test_its_page_has_the_picture_and_a_line_a_size(done: Path) -> None:
    picture, _, text, _, head, _, *lines = (done / "curve.md").read_text().splitlines()
    assert picture.endswith("](curve.svg)")
    assert text.startswith("Balanced accuracy on the test images")
    assert head.startswith("| images | verdict | difference |")
    row = pd.read_csv(done / "curve.csv").iloc[-1]
    assert [line.split(" | ")[:2] for line in lines][1] == ["| 40", row["verdict"]]
    assert f"| {100 * row['against_real_mean']:+.1f} (" in lines[-1]
    assert f"| {100 * row['real_score']:.1f} |" in lines[-1]
    assert lines[-1].endswith(f"{row['gan_arm']} {100 * row['gan_arm_score']:.1f} |")
    assert len(lines) == 2


def test_it_ends_with_the_table_and_tells_what_was_left_out(done: Path, printed: list[str]) -> None:
    table = (done / "curve.md").read_text().splitlines()[2:]
    assert printed[-len(table) :] == table
    assert [line for line in printed if line.endswith(" training images, so without 5000")]


def test_what_is_being_deleted_is_not_found(done: Path, deleted: list[str]) -> None:
    """Killed meanwhile, it would find replicates that are finished, and have no reports."""
    assert deleted
    assert all(name.startswith(".") for name in deleted)
    assert [path.name for path in (done.parent / "scratch").iterdir()] == ["lock"]


def test_the_picture_has_both_comparisons_at_every_size(done: Path) -> None:
    picture = ET.fromstring((done / "curve.svg").read_text())
    spaces = {"s": "http://www.w3.org/2000/svg"}
    assert len(picture.findall("s:circle", spaces)) == 4
    assert {"5", "40"} <= {text.text for text in picture.findall("s:text", spaces)}
    width, height = (float(number) for number in picture.attrib["viewBox"].split()[2:])
    for circle in picture.findall("s:circle", spaces):
        assert 0 < float(circle.attrib["cx"]) < width
        assert 0 < float(circle.attrib["cy"]) < height


def test_a_plan_that_was_given_is_kept(quick: Params) -> None:
    assert curve.limited(quick, ["a", "b"], 7).ingest.scarcity == {"a": 7, "b": 7}
    assert curve.limited(quick, ["a"], 7).generate.plan == Plan.model_validate("auto")
    assert curve.limited(quick, ["a"], 7).generate.min_real == 7
    for written, kept in (
        ("fill", "auto"),  # it has nothing to fill
        ({"fill": 3}, {"fill": 3}),
        ({"per_class": 3}, {"per_class": 3}),
    ):
        plan = Plan.model_validate(written)
        update = {"generate": quick.generate.model_copy(update={"plan": plan})}
        own = quick.model_copy(update=update)
        assert curve.limited(own, ["a"], 700).generate.plan == Plan.model_validate(kept)
    assert curve.limited(own, ["a"], 700).generate.min_real == quick.generate.min_real


@pytest.mark.parametrize(
    ("sizes", "message"), [([], "at least one"), ([0], "1 or more"), ([5000], "the largest class")]
)
def test_sizes_that_make_no_sense(
    sizes: list[int], message: str, quick: Params, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        curve.run(quick, sizes, outputs(tmp_path))
