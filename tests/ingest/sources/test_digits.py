from gan_augment.ingest.sources import find
from gan_augment.params import IngestParams


def test_digits_are_all_there() -> None:
    found = find(IngestParams(source="digits"))
    images = list(found.images)
    assert found.total == len(images) == 1797
    assert {image.label for image in images} == set("0123456789")
    assert images[0].open().getextrema() == (0, 239)  # 15 of 16 grey levels in the first zero
