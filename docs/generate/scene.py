"""The picture of ``docs/scenes.md``: a scene of 8192 x 8192 whole, and pieces of it at full size with their truth."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from hdmatt_core.geometry import Box
from hdmatt_core.scene import Scene
from hdmatt_core.scene.thing import Kind
from hdmatt_core.scene.write import tiles_of

SIDE, PANE = 8192, 208


def main(output: Path) -> None:
    scene = Scene((SIDE, SIDE), seed=11, unknown=0.05)
    picture = Image.new("RGB", (7 * PANE, 3 * PANE), "white")
    picture.paste(whole(scene), (0, 0))
    for column, box in enumerate(places(scene)):
        for row, plane in enumerate(scene.render(box)):
            pane = Image.fromarray(plane).convert("RGB").resize((PANE, PANE))
            picture.paste(pane, ((3 + column) * PANE, row * PANE))
    picture.save(output, quality=88)


def whole(scene: Scene) -> Image.Image:
    small = np.zeros((SIDE // 8, SIDE // 8, 3), np.uint8)
    for box in tiles_of(scene.shape):
        there = Box(tuple(a // 8 for a in box.start), tuple(b // 8 for b in box.stop))
        small[there.slices] = np.asarray(Image.fromarray(scene.render(box).image).reduce(8))
    return Image.fromarray(small).resize((3 * PANE - 6, 3 * PANE - 6))


def places(scene: Scene) -> list[Box]:
    """A piece of each kind of thing."""
    things = {thing.kind: thing for thing in scene.world.things.values()}
    above = -int(things[Kind.HAIR].outline.radius) - 150
    wanted = {Kind.HAIR: (above, -200, 420), Kind.THICKET: (-200, -200, 420), Kind.SMOKE: (-500, -500, 1000)}
    boxes = []
    for kind, (down, right, side) in {**wanted, Kind.FOLIAGE: (-300, -300, 600)}.items():
        y, x = things[kind].outline.centre
        boxes.append(Box((y + down, x + right), (y + down + side, x + right + side)))
    return boxes


if __name__ == "__main__":
    main(Path(sys.argv[1]))
