"""Hair in clumps, curls and flyaways around a head or along an edge, and fur over a body."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import ndimage

from hdmatt_core.training.procedural.colour import among, surface, tint
from hdmatt_core.training.procedural.curves import bundle, paths, turned, wander
from hdmatt_core.training.procedural.noise import axes, fbm
from hdmatt_core.training.procedural.paint import Floats, Paint, over, paint, resized
from hdmatt_core.training.procedural.strokes import Strands, splat

Whole = NDArray[np.int64]
_POINTS = 48
_LAYERS = 4
# Black, browns, auburn, blonds, grey and white.
_NATURAL = np.array(
    [[0.07, 0.06, 0.06], [0.2, 0.13, 0.09], [0.36, 0.23, 0.14], [0.45, 0.2, 0.1], [0.66, 0.5, 0.3], [0.83, 0.72, 0.5],
     [0.55, 0.54, 0.53], [0.9, 0.89, 0.87]], np.float32
)  # fmt: skip


def hair(n: int, rng: Generator) -> Paint:
    """Draw a head of hair: 800 to 10,000 strands, 0.15 to 1.2 px wide on a canvas of 512."""
    centre, radius = rng.uniform(0.3, 0.7, 2), rng.uniform(0.13, 0.3, 2)
    base = among(_NATURAL, rng) if rng.random() < 0.75 else tint(rng)
    strands, depth = _head(centre, radius, base, rng)
    body = _ellipse(n, centre, radius * 0.97)
    layers = [splat(strands.some(depth == layer), n) for layer in range(_LAYERS)]
    skin = base if rng.random() < 0.6 else tint(rng)
    canvas = over(paint(surface(n, rng, skin), body), layers[0])
    for layer in layers[1:]:
        canvas = over(layer, canvas)
    return canvas


def _head(centre: Floats, radius: Floats, base: Floats, rng: Generator) -> tuple[Strands, Whole]:
    guides = _guides(int(rng.integers(70, 260)), centre, radius, rng)
    flying = 0.03 * rng.random()
    count = int(len(guides) * rng.integers(12, 42))
    owner = rng.integers(len(guides), size=count)
    loose = rng.random(count) < flying
    way = np.linspace(0, 1, _POINTS, dtype=np.float32)[None]
    root = rng.normal(0, rng.uniform(0.01, 0.035), (count, 1))
    spread = root * (1 - rng.uniform(0.2, 0.9) * way ** rng.uniform(0.7, 2))
    stray = wander(count, _POINTS, rng) * way * np.where(loose, 0.06, rng.uniform(0.001, 0.012))[:, None]
    phase = rng.uniform(0, 6.3, len(guides))[owner] + rng.normal(0, 0.5, count)
    curl = rng.choice((0.0, 0.004, 0.012)) * np.sin(rng.uniform(10, 60) * way + phase[:, None]) * np.sqrt(way)
    reach = np.minimum(rng.uniform(0.55, 1, count) ** 0.5, 1)
    points = bundle(guides, owner, spread + stray + curl, reach)
    thick = rng.uniform(0.15, 1.2) / 512 * rng.uniform(0.6, 1.4, (count, 1))
    width = thick * np.clip(4 * (1 - way), 0.1, 1)
    depth = rng.integers(_LAYERS, size=len(guides))[owner]
    depth[loose] = _LAYERS - 1
    return Strands(points, width.astype(np.float32), _shades(base, owner, depth, way, rng)), depth


def _guides(count: int, centre: Floats, radius: Floats, rng: Generator) -> Floats:
    """Guides leave the head outwards and bend towards gravity or the wind, or do not."""
    angle = rng.uniform(0, 2 * np.pi, count)
    if rng.random() < 0.3:
        angle = rng.normal(rng.uniform(0, 2 * np.pi), 0.5, count)
    out = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    start = centre + rng.uniform(0.6, 1, (count, 1)) * radius * out
    way = np.linspace(0, 1, _POINTS)[None]
    towards = np.pi / 2 if rng.random() < 0.6 else rng.uniform(0, 2 * np.pi)
    pull = rng.choice((0.0, 0.5, 0.9)) * np.minimum(1, rng.uniform(1, 3) * way)
    heading = turned((angle + rng.normal(0, 0.25, count))[:, None] + 0 * way, float(towards), pull)
    heading = heading + rng.uniform(0.05, 0.6) * wander(count, _POINTS, rng)
    return paths(start, heading, rng.uniform(0.12, 0.5) * rng.uniform(0.6, 1.2, count))


def _shades(base: Floats, owner: Whole, depth: Whole, way: Floats, rng: Generator) -> Floats:
    """Darker below and at the root, a glossy band, paler tips, each clump and strand a little different."""
    clump = rng.normal(1, 0.15, int(owner.max()) + 1)[owner] * rng.normal(1, 0.12, len(owner))
    deep = 0.5 + 0.5 * (depth + 1) / _LAYERS
    band = np.exp(-(((way - rng.uniform(0.15, 0.6)) / rng.uniform(0.05, 0.2)) ** 2))
    light = (clump * deep)[:, None] * (0.65 + 0.5 * way) + rng.uniform(0, 0.35) * band * rng.random((len(owner), 1))
    grey = 0.12 * rng.random() * band
    hue = base[None, None] * (1 + rng.normal(0, 0.04, (len(owner), 1, 3)))
    shades: Floats = light[..., None] * hue + grey[..., None]
    return np.clip(shades, 0, 1)


def fur(n: int, rng: Generator) -> Paint:
    """Draw a furry body: 3,000 to 9,000 short hairs whose colours follow the coat's pattern."""
    body = _body(rng)
    coat = surface(256, rng)
    count = int(rng.integers(3000, 9000))
    start, outwards = _roots(body, count, rng)
    cell = tuple((start[:, ::-1] * 256).astype(int).clip(0, 255).T)
    combed = float(rng.uniform(0, 2 * np.pi))
    field = fbm(256, 4, rng, 2)[cell]
    heading = turned(outwards + 0.5 * field, combed, rng.uniform(0, 0.7))
    heading = heading[:, None] + rng.uniform(0.05, 0.4) * wander(count, 16, rng) + rng.normal(0, 0.2, (count, 1))
    points = paths(start, heading, rng.uniform(0.015, 0.09) * rng.uniform(0.5, 1.3, count))
    way = np.linspace(0, 1, 16, dtype=np.float32)[None]
    width = rng.uniform(0.3, 1.4) / 512 * np.clip(2.5 * (1 - way), 0.1, 1) * rng.uniform(0.6, 1.4, (count, 1))
    light = (0.7 + 0.45 * way) * rng.normal(1, 0.15, (count, 1))
    colour = np.clip(coat[:, cell[0], cell[1]].T[:, None] * light[..., None], 0, 1)
    strands = Strands(points, width.astype(np.float32), colour.astype(np.float32))
    under = np.stack([resized(plane, n, n) for plane in coat]) * np.float32(0.8)
    canvas = paint(under, np.clip((resized(body, n, n) + 0.01) * 40, 0, 1))
    layer = rng.integers(3, size=count)
    for number in range(3):
        canvas = over(splat(strands.some(layer == number), n), canvas)
    return canvas


def _body(rng: Generator) -> Floats:
    """A lumpy body (256, 256): above 0 inside, falling evenly across its border."""
    x, y = axes(256)
    centre, radius = rng.uniform(0.35, 0.65, 2), rng.uniform(0.14, 0.33, 2)
    ball = 1 - np.hypot((x - centre[0]) / radius[0], (y - centre[1]) / radius[1])
    inside = ball + 0.15 * fbm(256, 4, rng, 3) > 0
    signed = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
    return np.asarray(ndimage.gaussian_filter(signed, 2) / 256, dtype=np.float32)


def _roots(body: Floats, count: int, rng: Generator) -> tuple[Floats, Floats]:
    """Starting places (count, 2), most of them near the border, and the headings outwards (count,)."""
    chance = np.where(body > -0.004, np.exp(-np.maximum(body, 0) / 0.03) + 0.15, 0).ravel()
    cell = rng.choice(chance.size, count, p=chance / chance.sum())
    rows, columns = np.divmod(cell, 256)
    down, right = np.gradient(ndimage.gaussian_filter(body, 4))
    outwards = np.arctan2(-down[rows, columns], -right[rows, columns])
    places = (np.stack([columns, rows], axis=1) + rng.random((count, 2))) / 256
    return places.astype(np.float32), outwards.astype(np.float32)


def _ellipse(n: int, centre: Floats, radius: Floats) -> Floats:
    x, y = axes(n)
    gap = 1 - np.hypot((x - centre[0]) / radius[0], (y - centre[1]) / radius[1])
    return np.asarray(np.clip(gap * n * radius.min() + 0.5, 0, 1), dtype=np.float32)
