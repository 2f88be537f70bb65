"""What training is told to go by is trained once."""

from tests.networks import _trained_once

__all__ = ["_trained_once"]
