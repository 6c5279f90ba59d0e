"""A test set like Composition-1k, composed from a seed: ``compose_set`` writes it, layout ``composed`` reads it."""

from hdmatt_core.evaluation.testset.recipe import FAMILIES, Recipe
from hdmatt_core.evaluation.testset.writing import compose_set

__all__ = ["FAMILIES", "Recipe", "compose_set"]
