"""The pipelines that hdmatt brings, by name."""

from __future__ import annotations

from pathlib import Path

import hdmatt_core
from hdmatt_core.errors import UserError, did_you_mean
from hdmatt_core.pipeline.faults import sentence


def find_pipeline(pipeline: str | Path) -> Path:
    """The file of a pipeline given by name (``hdmatt``, ``quick``) or by path (a suffix or a folder in it).

    Raises UserError with the nearest name.
    """
    path = Path(pipeline)
    if isinstance(pipeline, Path) or path.suffix or len(path.parts) != 1:
        if path.is_file():
            return path
        what = "a folder, not a pipeline file" if path.is_dir() else "no such pipeline file"
        raise UserError(sentence(f"{path}: {what}", did_you_mean(path.stem, shipped_pipelines())))
    shipped = shipped_pipelines()
    if pipeline in shipped:
        return shipped[pipeline]
    hint = f"is it the file './{pipeline}'?" if path.is_file() else did_you_mean(pipeline, shipped)
    raise UserError(sentence(f"no pipeline {pipeline!r}", hint, f"there are {', '.join(shipped) or 'none'}"))


def shipped_pipelines() -> dict[str, Path]:
    """Files by name of the pipelines in the wheel, or of those in the source tree in an editable installation."""
    package = Path(hdmatt_core.__file__).parent
    inside, beside = package / "_pipelines", package.parent / "pipelines"
    return {path.stem: path for path in sorted((inside if inside.is_dir() else beside).glob("*.yaml"))}
