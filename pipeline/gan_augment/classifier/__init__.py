"""The classifier that ships: trained on data/augmented by its recipe, kept as tensors, to use."""
