import os
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from gan_augment.printable import readable


def test_bytes_that_are_no_utf_8_are_shown() -> None:
    assert readable(os.fsdecode(b"caf\xe9.png")) == "caf\\xe9.png"
    assert readable("a\nb") == "a\\nb"
    assert readable("café 猫 👩‍🚀.png") == "café 猫 👩‍🚀.png"


@given(st.binary(max_size=20))
def test_any_name_of_a_file_can_be_printed(name: bytes) -> None:
    shown = readable(os.fsdecode(name))
    shown.encode()
    assert not {unicodedata.category(letter) for letter in shown} & {"Cc", "Cs"}
