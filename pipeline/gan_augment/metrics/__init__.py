"""Measures of synthetic images: pure functions, images in, numbers out."""
