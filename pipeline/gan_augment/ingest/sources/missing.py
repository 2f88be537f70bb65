"""The words by which people and programs write into a table that there is nothing."""

_WORDS = ("", "nan", "na", "n/a", "#n/a", "<na>", "nat", "none", "null")


def says_missing(text: str) -> bool:
    """Return whether a text says that something is missing, as R's NA and Python's None do."""
    return text.strip().casefold() in _WORDS
