from gan_augment.seeding import rng, seed_of


def test_a_stream_depends_on_its_name_alone() -> None:
    first = rng(0, "batch", 7)
    rng(0, "batch", 6).random(100)
    assert first.random() == rng(0, "batch", 7).random()


def test_streams_differ() -> None:
    draws = {rng(*key).random() for key in [(0, "a", 1), (0, "a", 2), (0, "b", 1), (1, "a", 1)]}
    assert len(draws) == 4
    assert seed_of(0, "a") != seed_of(0, "b")
