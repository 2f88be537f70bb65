import math

import pandas as pd

from gan_augment.report.curves import curves


def test_high_is_up_and_the_last_step_is_right() -> None:
    frame = pd.DataFrame({"step": [50, 100], "cas": [0.5, 0.75], "kid": [None, 0.25]})
    found = curves(frame, {"cas": "CAS", "kid": "KID"}, "Scores", kept=50)
    assert found is not None
    assert found.lines == {"CAS": "50.00,50.00 100.00,0.00", "KID": "100.00,100.00"}
    assert (found.low, found.high, found.steps, found.kept) == (0.25, 0.75, 100, 50.0)


def test_without_any_number_there_is_no_curve() -> None:
    frame = pd.DataFrame({"step": [50], "cas": [None]})
    assert curves(frame, {"cas": "CAS", "fid": "FID"}, "Scores") is None


def test_what_was_scored_only_before_its_first_step_is_at_the_left() -> None:
    frame = pd.DataFrame({"step": [0], "cas": [0.5]})
    found = curves(frame, {"cas": "CAS"}, "Scores", kept=0)
    assert found is not None
    assert (found.lines, found.steps, found.kept) == ({"CAS": "0.00,0.00"}, 1, 0.0)


def test_what_is_not_finite_is_left_out() -> None:
    losses = {"d": [1.0, 3.0, math.inf], "g": [2.0, 1.0, -math.inf], "penalty": [math.inf] * 3}
    frame = pd.DataFrame({"step": [20, 40, 80], **losses})
    found = curves(frame, {"d": "D", "g": "G", "penalty": "penalty"}, "Losses")
    assert found is not None
    assert found.lines == {"D": "25.00,100.00 50.00,0.00", "G": "25.00,50.00 50.00,100.00"}
    assert (found.low, found.high, found.steps) == (1.0, 3.0, 80)
