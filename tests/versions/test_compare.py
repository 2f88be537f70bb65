from typing import Any

from gan_augment.versions.compare import MISSING, Row, rows

OLD: dict[str, Any] = {"verdict": "level", "synthetic": "smote", "metrics": {}}
BEFORE = {
    **OLD,
    "recipe": "smote+classic",
    "classes": ["bolt", "nut"],
    "counts": {"train": {"real": [20, 30]}, "test": {"real": [5, 5]}},
    "metrics": {"real": 90.0, "plain": 91.9, "gan": 92.0},
    "fidelity": {"images": 10, "network": {"fid": {"value": 9.5}}},
}
AFTER = {
    **BEFORE,
    "verdict": "helps",
    "override": "to show it",
    "recipe": "classic",
    "synthetic": None,
    "classes": ["bolt", "pin"],
    "counts": {"train": {"real": [20, 4], "synthetic": [1000, 0]}, "test": {"real": [5, 1]}},
    "metrics": {"real": 90.0, "gan": 93.5},
    "fidelity": {"images": 10, "network": {"fid": {"value": 8.0}, "kid": {"value": 0.25}}},
}


def test_everything_that_changed() -> None:
    assert rows(BEFORE, AFTER) == [
        Row("verdict", "level", "helps, overridden", "changed"),
        Row("recipe", "smote+classic", "classic", "changed"),
        Row("ships synthetic images by", "smote", "none", "changed"),
        Row("lift over real images, points", "2.00", "3.50", "+1.50"),
        Row("lift over the best without a GAN, points", "0.10", MISSING, ""),
        Row("train, real", "50", "24", "-26"),
        Row("test, real", "10", "6", "-4"),
        Row("train, synthetic", "0", "1,000", "+1,000"),
        Row("classes", "2", "2", "without nut; with pin"),
        Row("  train, real, nut", "30", "0", "-30"),
        Row("  test, real, nut", "5", "0", "-5"),
        Row("  train, real, pin", "0", "4", "+4"),
        Row("  train, synthetic, bolt", "0", "1,000", "+1,000"),
        Row("  test, real, pin", "0", "1", "+1"),
        Row("fid (network)", "9.5000", "8.0000", "-1.5000"),
        Row("kid (network)", MISSING, "0.2500", ""),
    ]


def test_what_is_no_number_is_missing() -> None:
    odd = {**BEFORE, "metrics": {"gan": "92", "real": [1]}, "fidelity": {"x": {"fid": "low"}}}
    found = {row.what: row for row in rows(odd, AFTER)}
    assert found["lift over real images, points"].before == MISSING
    assert found["fid (x)"] == Row("fid (x)", MISSING, MISSING, "")


def test_an_older_version_lacks_numbers_and_it_is_said() -> None:
    found = {row.what: row for row in rows(OLD, AFTER)}
    assert found["train, real"] == Row("train, real", MISSING, "24", "")
    assert found["fid (network)"] == Row("fid (network)", MISSING, "8.0000", "")
    assert found["recipe"] == Row("recipe", MISSING, "classic", "changed")
    assert "classes" not in found
    nothing = {row.what: row for row in rows({}, OLD)}
    assert nothing["verdict"] == Row("verdict", MISSING, "level", "changed")
    assert nothing["fidelity of the synthetic images"][1:3] == (MISSING, MISSING)
