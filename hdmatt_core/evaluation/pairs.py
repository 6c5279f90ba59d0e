"""Mattes that are there already: one file or folders of them, scored against their truths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from hdmatt_core.errors import UserError
from hdmatt_core.evaluation.files import score_files
from hdmatt_core.evaluation.layouts.folders import by_stem
from hdmatt_core.metrics import Score
from hdmatt_core.registry import Registry

Scored = tuple[str, Score]


def score_paths(
    prediction: Path, truth: Path, trimap: Path, listener: Callable[[Scored], None] = lambda scored: None
) -> list[Scored]:
    """Names and scores of a matte or of a folder of them, matched by stem with the folders of truths and trimaps.

    UserError where some of the three are folders and some are not, and for every partner that is missing. A zarr
    store is a picture, and not a folder of them.
    """
    registry, scored = Registry.load(), []
    for name, files in _triples(prediction, truth, trimap):
        scored.append((name, score_files(*files, registry)))
        listener(scored[-1])
    return scored


def _triples(prediction: Path, truth: Path, trimap: Path) -> Sequence[tuple[str, tuple[Path, Path, Path]]]:
    given = (prediction, truth, trimap)
    for path in given:
        if not path.exists():
            raise UserError(f"{path}: no such file or folder; check the name")
    folders = [path for path in given if path.is_dir() and path.suffix != ".zarr"]
    if not folders:
        return [(prediction.stem, given)]
    if len(folders) < len(given):
        single = next(path for path in given if path not in folders)
        raise UserError(f"{single} is a picture, {folders[0]} a folder; give three pictures or three folders")
    mattes, truths, trimaps = (by_stem(folder) for folder in given)
    if not mattes:
        raise UserError(f"{prediction}: the folder holds no mattes")
    lacking = [f"{path.name}: no truth in {truth}" for stem, path in mattes.items() if stem not in truths]
    lacking += [f"{path.name}: no trimap in {trimap}" for stem, path in mattes.items() if stem not in trimaps]
    lacking += [f"{path.name}: no matte in {prediction}" for stem, path in truths.items() if stem not in mattes]
    if lacking:
        raise UserError(
            f"{prediction}: {len(lacking)} partners are missing; files belong together by stem", detail=lacking[:20]
        )
    return [(stem, (path, truths[stem], trimaps[stem])) for stem, path in mattes.items()]
