import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from markupsafe import escape

from gan_augment.params import AssembleParams, ReportParams
from gan_augment.recipe import of
from gan_augment.report.page import headline, render
from tests.report.browser import Page
from tests.report.conftest import CLASSES, evaluated, images

Render = Callable[..., str]
TITLES = {
    "synthesis": "What was made, and what passed the gates",
    "history": "Training of the GAN",
    "ingest": "Checks of the data",
}


def text(html: str) -> str:
    """Return what a reader reads, with single spaces."""
    parts: list[str] = []
    parser = HTMLParser()
    parser.handle_data = parts.append  # type: ignore[method-assign]
    parser.feed(html)
    return " ".join(" ".join(parts).split())


def test_the_verdict_comes_first(page: Render) -> None:
    html = page()
    places = (
        "Pets &amp; &lt;co&gt;, 2026-01-31</p>",
        "The synthetic images help",
        "gan helps: +",
        "What ships:",
        "<h2>",
    )
    assert [html.index(place) for place in places] == sorted(html.index(p) for p in places)


def test_it_is_self_contained_and_has_no_script(page: Render) -> None:
    html = page()
    for reference in ("http:", "https:", "<script", "<link", 'src="/', "url(", "@import"):
        assert reference not in html
    assert html.count("<img") == html.count('src="data:image/png;base64,') == 5


def test_every_picture_and_drawing_has_words(page: Render) -> None:
    html = page()
    assert all(re.search(r' alt="[^"]{5,}"', tag) for tag in re.findall(r"<img[^>]*>", html))
    drawings = re.findall(r"<svg[^>]*>", html)
    assert len(drawings) > 5
    assert all('role="img"' in tag and 'aria-label="' in tag for tag in drawings)


def test_names_of_classes_are_text(page: Render) -> None:
    html = page()
    assert "<b>dog</b>" not in html
    assert "&lt;b&gt;dog&lt;/b&gt;" in html


def test_a_plan_without_synthetic_images_has_no_empty_picture(page: Render) -> None:
    assert page(0).count("<img") == page(20).count("<img") - 2


def test_where_nothing_was_made_the_rest_is_shown(page: Render) -> None:
    html = page(0, None)
    words = text(html)
    assert "<h1>No synthetic image was made</h1>" in html
    assert "What ships: Real images, as classic: no synthetic image was made." in words
    assert "smote is on validation images the best arm." in words
    assert "The GAN against" not in words
    assert "None" not in words
    assert re.search(r"cat 500 15 0 7[45]\.\d 7[67]\.\d <b>dog</b> 500 15 0", words)
    assert "Thin evidence: every class has" in text(page(0, None, test=30))


def test_of_several_networks_it_says_why_one_was_kept(page: Render) -> None:
    told = (
        "Network resnet, whose images add most to real ones on validation images (mlp +1.2 points, "
        "standard error 0.4; resnet +2.5 points, standard error 0.3). The generator of step 20 was "
        "kept (dashed line), chosen on validation images by CAS; each was compared with the one "
        "kept before it: if both were within one standard error of the highest so far, the one "
        "with the lower KID of features was kept, else the higher."
    )
    assert told in text(page())


def test_a_score_that_is_known_once_is_a_dot(page: Render) -> None:
    lines = re.findall(r'<polyline class="(.+?)" points="(.+?)">', page())
    dots = [points.split() for name, points in lines if name.endswith(" dot")]
    assert dots == [["100.00,0.00", "100.00,0.00"]]
    assert all(len(set(points.split())) > 1 for name, points in lines if "dot" not in name)


def test_what_the_other_stages_found_is_told(page: Render) -> None:
    words = text(page())
    for found in (
        "cat 128 75.0 blind 50.0",
        "It copies training images: 12 % are near copies.",
        "The generator of step 20 was kept",
        "40 mode collapse all alike went back",
        "43 images taken. 1 left out: 1 × truncated. 1 group of duplicates, 2 images; each group",
        "width height images cut 640 480 43 0.125",
        "KID 0.25 −0.01",
        "6 paired repeats, 13 test images.",
        "generator abc",
    ):
        assert found in words


@pytest.mark.parametrize("missing", TITLES)
def test_a_section_without_files_is_left_out(
    missing: str, page: Render, folders: dict[str, Path]
) -> None:
    folders[missing] = folders[missing] / "nowhere"
    html = page()
    assert {name for name, title in TITLES.items() if title not in html} == {missing}


@pytest.mark.parametrize(
    "file",
    [
        "ingest/quarantine.csv",
        "ingest/clusters.csv",
        "ingest/doubts.csv",
        "ingest/sizes.csv",
        "synthesis/gates.csv",
        "synthesis/fidelity.json",
        "synthesis/memorisation.json",
        "synthesis/closest.png",
        "history/events.csv",
        "history/losses.csv",
        "history/validation.csv",
        "history/samples/step-000020.png",
        "model/config.json",
    ],
)
def test_a_missing_file_takes_nothing_else_away(
    file: str, page: Render, folders: dict[str, Path]
) -> None:
    folder, _, name = file.partition("/")
    (folders[folder] / name).unlink()
    html = page()
    assert all(title in html for title in TITLES.values())


def test_a_gate_that_knows_nothing_says_so(page: Render) -> None:
    html = text(page())
    assert "copies, by its sight, 50.0 % ± 10.0 (50.0 by chance)" in html
    assert "copies, all classes: blind: it cannot tell <classes>." in html


@pytest.mark.parametrize(
    ("word", "noise", "said"),
    [
        ("helps", "", "The synthetic images help"),
        ("helps", "as well", "The synthetic images help. Noise does as well"),
        ("undecided", "not told apart", "Undecided. Not told apart from noise"),
        ("harms", "as well", "The synthetic images harm"),
    ],
)
def test_where_noise_does_as_well_the_headline_says_so(word: str, noise: str, said: str) -> None:
    assert headline({"verdict": word, "noise": noise}).startswith(said)
    assert ("." in said) == ("." in headline({"verdict": word, "noise": noise}))


def test_a_class_has_its_test_images_and_the_comparison_that_its_word_rests_on(
    page: Render,
) -> None:
    words = text(page())
    assert re.search(r"cat helps \+8\.\d \(\+[\d.]+ to \+[\d.]+\) smote < 0\.001 500 15 10", words)


def test_averages_are_those_of_the_verdict(folders: dict[str, Path]) -> None:
    """A classifier that saw no arm with the GAN counts in none of them."""
    verdict, repeats = evaluated()
    verdict["classifiers"]["fine-tuned"] = {
        **verdict["classifiers"]["k-nn"],
        "gan_arm": None,
        "sentence": "fine-tuned was trained on no arm with the GAN.",
    }
    blind = repeats[repeats["arm"] != "gan"].assign(classifier="fine-tuned", value=0.01)
    pages = [
        render(verdict, found, images(30), images(20), folders, ReportParams(), AssembleParams())
        for found in (repeats, pd.concat([repeats, blind]))
    ]
    assert pages[0] == pages[1]
    recalls = verdict["overall"]["classes"]["cat"]["recall"].values()
    told = " ".join(f"{100 * recall:.1f}" for recall in recalls)
    assert f" 500 15 10 {told} <b>dog</b>" in text(pages[0])


def test_a_class_without_test_images_has_dashes(folders: dict[str, Path]) -> None:
    verdict, repeats = evaluated()
    del verdict["overall"]["classes"][CLASSES[1]]
    args = images(30), images(20), folders, ReportParams(), AssembleParams()
    assert "<b>dog</b> – – – – 0 15 10 – – –" in text(render(verdict, repeats, *args))


def test_little_evidence_is_told_before_all_else(page: Render) -> None:
    html = text(page(test=30))
    caution = "Caution: Thin evidence: every class has fewer than 20 test images"
    assert html.index("gan helps") < html.index(caution) < html.index("What ships")
    assert "Thin evidence" not in text(page())


def test_names_of_arms_go_on_after_a_plus_only(page: Render, tab: Page, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(page())
    tab.open(file, 390)
    broken = r"""[...document.querySelectorAll('.forest th')].flatMap(th => {
        const range = document.createRange(), found = [];
        const walk = document.createTreeWalker(th, NodeFilter.SHOW_TEXT);
        for (let node; node = walk.nextNode();)
            for (const part of node.data.matchAll(/[\w-]+/g)) {
                range.setStart(node, part.index);
                range.setEnd(node, part.index + part[0].length);
                if (range.getClientRects().length > 1) found.push(part[0]);
            }
        return found;
    })"""
    assert tab.evaluate(broken) == []


def test_what_scrolls_says_so_and_what_does_not_is_silent(
    page: Render, tab: Page, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    file.write_text(page())
    seen = """[...document.querySelectorAll('.wide')].filter(e => e.checkVisibility()).map(e =>
        [e.scrollWidth > e.clientWidth, e.querySelector('.scrolls').checkVisibility()])"""
    for width, scrolls in ((390, True), (1280, False)):
        tab.open(file, width)
        found = tab.evaluate(seen)
        assert any(wide for wide, _ in found) == scrolls
        assert [wide for wide, _ in found] == [says for _, says in found]


def test_doubts_of_ingestion_are_told_and_pointed_to(
    page: Render, folders: dict[str, Path]
) -> None:
    html = page()
    pointer = html.index('<a href="#data">')
    assert html.index("gan helps") < pointer < html.index("<h2>")
    assert "Caution: The split may leak: <names> tell." in text(html[html.index('id="data"') :])
    (folders["ingest"] / "doubts.csv").write_text("doubt\n")
    assert "Caution" not in text(page())


def test_negative_numbers_have_one_sign_everywhere(page: Render) -> None:
    words = text(page(gan=0.7).partition("</style>")[2])
    assert re.search(r"gan harms: −\d", words)
    assert not re.search(r"(?<!\w)-\d", words.partition("Reproduce")[0])


def test_the_same_inputs_give_the_same_bytes(page: Render) -> None:
    assert page() == page()


def test_what_ships_is_what_assemble_decides_and_its_recipe_is_told(page: Render) -> None:
    html = page()
    words = text(html)
    assert "ships: Real images, as classic: on validation gan is better, but the gener" in words
    recipe = of({**evaluated()[0], "recipe": {"arm": "classic"}})
    assert recipe.sentence in words
    assert escape(recipe.code()) in html
    assert "v2.RandomAffine(" in html


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_it_without_complaint_or_overflow(
    width: int, scheme: str, page: Render, tab: Page, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    file.write_text(page().replace("<details>", "<details open>"))
    tab.open(file, width, scheme)
    assert tab.complaints() == []
    assert tab.requests() == [file.as_uri()]
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    levels = [int(level) for level in re.findall(r"\d+", paper)]
    assert (min(levels) > 200) if scheme == "light" else (max(levels) < 60)
    loaded = "[...document.images].every(i => i.complete && i.naturalWidth > 0)"
    assert tab.evaluate(loaded)


def test_what_a_console_would_show_and_what_overflows_is_noticed(tab: Page, tmp_path: Path) -> None:
    file = tmp_path / "bad.html"
    file.write_text(
        "<meta name=viewport content='width=device-width'><img src='gone.png'>"
        "<script>console.error('no')</script><div style='width:600px'>wide</div>"
    )
    tab.open(file, 390)
    assert len(tab.complaints()) >= 2
    assert len(tab.requests()) == 2
    assert tab.evaluate("document.documentElement.scrollWidth") > 390


def test_it_reads_the_same_with_scripts_off(page: Render, tab: Page, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(page())
    tab.open(file, 390)
    shown = tab.evaluate("document.body.innerText")
    tab.open(file, 390, scripts=False)
    assert tab.evaluate("document.body.innerText") == shown
    assert "The synthetic images help" in shown
