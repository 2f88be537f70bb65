"""Assemble: data/augmented, the table that users pull."""
