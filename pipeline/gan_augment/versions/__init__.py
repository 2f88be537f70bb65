"""Versions of a dataset: built, published, pulled. It needs DVC, and only when it is called."""
