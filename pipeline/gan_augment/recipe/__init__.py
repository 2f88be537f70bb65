"""Recipes: what a user does to get what an arm of the comparison reached, in words and in code."""

from gan_augment.recipe.recipe import SETTINGS, Recipe, best, flat, of, of_shipped

__all__ = ["SETTINGS", "Recipe", "best", "flat", "of", "of_shipped"]
