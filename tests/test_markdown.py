from hypothesis import given
from hypothesis import strategies as st

from gan_augment.markdown import Markdown, escape, table
from tests.markdown import shown

NASTY = st.text(st.sampled_from("\\`*_[]()<>|~&$!#-+.:'\" \n1aé")) | st.text()


def plain(text: str) -> str:
    return " ".join(text.replace("\0", "\ufffd").split())


@given(st.lists(st.lists(NASTY, min_size=2, max_size=2), min_size=1, max_size=3))
def test_cells_show_any_text_as_it_is(rows: list[list[str]]) -> None:
    cells = [plain(cell) for row in rows for cell in row]
    assert shown(table(["class", "a|b"], rows)) == ["class", "a|b", *cells]


@given(NASTY)
def test_a_sentence_shows_any_text_as_it_is(text: str) -> None:
    (line,) = shown(f"It says: {escape(text)}, and ends.")
    assert line == f"It says: {plain(text)}, and ends."


def test_words_stay_readable_and_markdown_stays_markdown() -> None:
    words = "shift_share, gan+classic: −0.4 (95 %)"
    assert escape(words) == words
    assert escape("_it_") == r"\_it\_"
    assert escape(Markdown("*best*")) == "*best*"
    assert table(["arm", "mean"], [[Markdown("*best*"), 1.5], ["a|b", "–"]]) == (
        "| arm | mean |\n| --- | ---: |\n| *best* | 1.5 |\n| a\\|b | – |"
    )
