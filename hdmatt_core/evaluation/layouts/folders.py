"""Pictures that belong together because their files have one stem."""

from __future__ import annotations

from pathlib import Path

from hdmatt_core.errors import UserError
from hdmatt_core.evaluation.sample import Sample


def by_stem(folder: Path) -> dict[str, Path]:
    """The files (and zarr stores) of a folder by stem, sorted; UserError for a missing folder and for stems twice."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; docs/evaluate.md shows how the set is laid out")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or (path.is_dir() and path.suffix != ".zarr"):
            continue
        if path.stem in found:
            raise UserError(f"{folder}: {found[path.stem].name} and {path.name} have one stem; keep one of them")
        found[path.stem] = path
    return found


def first_folder(root: Path, names: tuple[str, ...]) -> Path:
    """The first of the named folders that is there, else the first."""
    return next((root / name for name in names if (root / name).is_dir()), root / names[0])


def matched(images: Path, trimaps: Path, truths: Path | None, prefix: str = "") -> list[Sample]:
    """A sample for each image, with the trimap and truth of its stem; UserError naming what has none."""
    wanted, known = by_stem(images), by_stem(trimaps)
    true = by_stem(truths) if truths else {}
    lacking = [f"{path.name}: no trimap in {trimaps}" for stem, path in wanted.items() if stem not in known]
    if truths:
        lacking += [f"{path.name}: no truth in {truths}" for stem, path in wanted.items() if stem not in true]
    if lacking:
        raise UserError(f"{images}: {len(lacking)} partners are missing", detail=lacking[:20])
    return [Sample(f"{prefix}{stem}", path, known[stem], true.get(stem)) for stem, path in wanted.items()]
