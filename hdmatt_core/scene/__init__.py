"""Procedural scenes of any size with their true matte, drawn tile by tile: every pixel is a function of its place.

A scene is a number of *things* (hair around a body, smoke, foliage, thickets that are wholly unknown, long strands)
before fields of different ground. Nothing depends on how the picture is cut: noise is a hash of world coordinates,
strokes are indexed in a grid of cells, and what is drawn over what is decided by maxima, which know no order.
"""

from __future__ import annotations

from hdmatt_core.scene.render import Picture, Scene

__all__ = ["Picture", "Scene"]
