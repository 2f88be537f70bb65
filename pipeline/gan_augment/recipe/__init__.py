"""Recipes: what a user does to get what an arm of the comparison reached, in words and in code."""

from gan_augment.recipe.recipe import Recipe, best, flat, of

__all__ = ["Recipe", "best", "flat", "of"]
