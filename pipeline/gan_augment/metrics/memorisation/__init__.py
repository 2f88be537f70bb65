"""Memorisation: are the synthetic images copies of training images? Arrays in, numbers out.

A generator may copy single images, which `exact_copy_search` and `near_copies` find one by one, or
stay too close to all of them, which shows in the distances to the nearest training image: compared
with those of held-out real images by `distance_ratios` and `data_copying`. Distances alone cannot
tell a copy from a blur, which is near to every image; `copying` therefore asks for both to be
closer than real images are: the nearest one, and the nearest one compared with the next.

Every comparison is against the same training images. Memory is bounded whatever the numbers of
rows, and the same rows give the same numbers.
"""

from gan_augment.metrics.memorisation.copies import (
    Matches,
    NearCopies,
    exact_copy_search,
    match_search,
    near_copies,
    near_copy_search,
)
from gan_augment.metrics.memorisation.judgement import NEAR_COPIES, Copying, copying
from gan_augment.metrics.memorisation.neighbours import Nearest, nearest, nearest_of_class
from gan_augment.metrics.memorisation.sample import RATIO_ROWS, Sample
from gan_augment.metrics.memorisation.statistics import (
    Ratio,
    authenticity,
    data_copying,
    distance_ratios,
    median_ratio,
)

__all__ = [
    "NEAR_COPIES",
    "RATIO_ROWS",
    "Copying",
    "Matches",
    "NearCopies",
    "Nearest",
    "Ratio",
    "Sample",
    "authenticity",
    "copying",
    "data_copying",
    "distance_ratios",
    "exact_copy_search",
    "match_search",
    "median_ratio",
    "near_copies",
    "near_copy_search",
    "nearest",
    "nearest_of_class",
]
