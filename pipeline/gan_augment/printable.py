"""Text as a terminal may show it: on one line, and without codes that it would obey."""

import unicodedata


def readable(name: str) -> str:
    r"""Return a name as valid UTF-8 on one line.

    Bytes that are not UTF-8, which Python holds as lone surrogates, and control characters are
    written as `\xe9`.
    """
    if name.isprintable():
        return name
    return "".join(map(_character, name))


def _character(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8 (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    if unicodedata.category(character) in ("Cs", "Cc"):
        return character.encode("unicode_escape").decode()
    return character
