"""The gallery: trimaps from shapes drawn by hand, mattes of them by the shipped weights, overview pictures.

Usage: python docs/generate/gallery.py PHOTOS WORK [NAME ...]

PHOTOS holds the photographs by the names that the shapes give them (docs/gallery.md says where each comes from).
docs/gallery receives NAME.jpg; WORK what they were made of, and NAME-check.png, the trimap over the photograph.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from pydantic import BaseModel, ConfigDict, TypeAdapter
from ruamel.yaml import YAML
from scipy.ndimage import distance_transform_edt

from hdmatt_core.demo.overview import overview

GALLERY = Path(__file__).parents[1] / "gallery"
WIDTH, QUALITY = 1100, 78
CHECK = 1400
BORDERS = {255: (40, 230, 90), 1: (255, 40, 200)}
GREY = {"background": 0, "unknown": 128, "foreground": 255}

Level = Literal["background", "unknown", "foreground"]
Points = list[tuple[float, float]]


class Stroke(BaseModel):
    """A polygon, or where `width` is more than 0 a line of that width, that sets what it covers."""

    model_config = ConfigDict(extra="forbid")
    level: Level
    points: Points
    width: float = 0


class Shapes(BaseModel):
    """A photograph's trimap: polygons, the band around their outline, then strokes; in percent of width and height."""

    model_config = ConfigDict(extra="forbid")
    file: str
    outline: list[Points]
    band: float
    strokes: list[Stroke] = []


def trimap(shapes: Shapes, size: tuple[int, int]) -> Image.Image:
    """The trimap of a photograph of this size (width, height): 0, 128 and 255."""
    inside = Image.new("1", size)
    for polygon in shapes.outline:
        ImageDraw.Draw(inside).polygon(_pixels(polygon, size), fill=1)
    mask = np.asarray(inside)
    band = shapes.band / 100 * size[0]
    levels = np.where(mask, 255, 0).astype(np.uint8)
    levels[np.where(mask, distance_transform_edt(mask), distance_transform_edt(~mask)) <= band] = GREY["unknown"]
    picture = Image.fromarray(levels)
    for stroke in shapes.strokes:
        _draw(ImageDraw.Draw(picture), stroke, size)
    return picture


def _draw(draw: ImageDraw.ImageDraw, stroke: Stroke, size: tuple[int, int]) -> None:
    points, grey = _pixels(stroke.points, size), GREY[stroke.level]
    if stroke.width == 0:
        draw.polygon(points, fill=grey)
        return
    width = stroke.width / 100 * size[0]
    draw.line(points, fill=grey, width=round(width), joint="curve")
    for x, y in points:
        draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=grey)


def _pixels(points: Points, size: tuple[int, int]) -> Points:
    return [(x / 100 * size[0], y / 100 * size[1]) for x, y in points]


def check(photo: Image.Image, levels: Image.Image) -> Image.Image:
    """The borders of the certain (green) and the possible (magenta) foreground over the photograph."""
    height = CHECK * photo.height // photo.width
    picture = photo.resize((CHECK, height), Image.Resampling.LANCZOS)
    large = levels.resize((CHECK, height), Image.Resampling.NEAREST)
    for least, colour in BORDERS.items():
        inside = large.point([255 * (value >= least) for value in range(256)])
        border = Image.fromarray(np.asarray(inside) ^ np.asarray(inside.filter(ImageFilter.MinFilter(3))))
        picture.paste(colour, mask=border)
    return picture


def matte(name: str, shapes: Shapes, photos: Path, work: Path) -> None:
    """Write docs/gallery/NAME.jpg, by way of `hdmatt matte`."""
    photo = work / f"{name}.png"
    made = {kind: work / f"{name}-{kind}.png" for kind in ("trimap", "alpha", "cutout", "check")}
    with Image.open(photos / shapes.file) as source:
        pixels = source.convert("RGB")
    pixels.save(photo)
    levels = trimap(shapes, pixels.size)
    levels.save(made["trimap"])
    check(pixels, levels).save(made["check"])
    options: list[str | Path] = ["-o", made["alpha"], "--foreground", made["cutout"], "--overwrite", "--quiet"]
    subprocess.run([sys.executable, "-m", "hdmatt_core", "matte", photo, made["trimap"], *options], check=True)
    sheet = overview(photo, made["trimap"], made["alpha"], made["cutout"])
    small = sheet.resize((WIDTH, WIDTH * sheet.height // sheet.width), Image.Resampling.LANCZOS)
    small.save(GALLERY / f"{name}.jpg", quality=QUALITY, optimize=True, progressive=True)


def main(photos: Path, work: Path, names: Sequence[str]) -> None:
    """Make all of them, or those that are named."""
    work.mkdir(parents=True, exist_ok=True)
    gallery = TypeAdapter(dict[str, Shapes]).validate_python(YAML(typ="safe").load(GALLERY / "shapes.yaml"))
    for name in names or gallery:
        matte(name, gallery[name], photos, work)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
