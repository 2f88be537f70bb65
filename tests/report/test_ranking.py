from gan_augment.report.ranking import ranked


def test_arms_come_best_first_and_equal_ones_as_they_were_asked_for() -> None:
    scores = {"real": 0.7, "smote": 0.8, "gmm": 0.8, "gan": 0.9}
    assert ranked({"scores": scores}, {"k-nn": {"scores": scores}}) == [
        "gan",
        "smote",
        "gmm",
        "real",
    ]


def test_those_of_only_some_classifiers_come_last_each_by_its_best_score() -> None:
    classifiers = {
        "k-nn": {"scores": {"real": 0.7}},
        "cnn": {"scores": {"real": 0.6, "mixup": 0.9, "gan-soft": 0.85}},
        "resnet": {"scores": {"real": 0.8, "mixup": 0.8, "cutmix": 0.95}},
    }
    order = ranked({"scores": {"real": 0.7}}, classifiers)
    assert order == ["real", "cutmix", "mixup", "gan-soft"]
