"""What a reader sees of Markdown, by a reader of GitHub's kind."""

from markdown_it import MarkdownIt

READER = MarkdownIt("gfm-like", {"linkify": False})


def shown(text: str) -> list[str]:
    """Return the words of each paragraph, heading and cell; markup is shown by its name."""
    return [
        "".join(p.content if p.type == "text" else f"<{p.type}>" for p in token.children or ())
        for token in READER.parse(text)
        if token.type == "inline"
    ]
