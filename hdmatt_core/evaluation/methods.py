"""What is compared: pipelines of this program by name or file, and PyMatting's solvers as peers."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

from hdmatt_core import nn
from hdmatt_core.errors import UserError, did_you_mean
from hdmatt_core.evaluation.files import open_file
from hdmatt_core.evaluation.sample import Sample
from hdmatt_core.pipeline.document import load_document
from hdmatt_core.registry import Registry
from hdmatt_core.runtime.prepare import Prepared, prepare
from hdmatt_core.runtime.request import Request

Solver = Literal["cf", "knn", "lbdm"]
PEER = "pymatting:"


@dataclass(frozen=True)
class Method:
    """A way from image and trimap to alpha: ``label`` in tables, ``target`` a pipeline or ``pymatting:SOLVER``.

    ``settings`` are overrides of a pipeline's parameters, as ``pick.k=5``.
    """

    label: str
    target: str
    settings: tuple[str, ...] = ()

    @property
    def solver(self) -> str | None:
        """The solver's name if this is a peer."""
        return self.target.removeprefix(PEER) if self.target.startswith(PEER) else None

    @property
    def slug(self) -> str:
        """The label as a folder's name."""
        return re.sub(r"[^A-Za-z0-9._-]+", "-", self.label)

    def fingerprint(self, sample: Sample, alpha: Path) -> dict[str, str]:
        """What must be equal for a matte that is there to be taken for this method's: settings, code, inputs."""
        if self.solver:
            registry = Registry.load()
            files = {"image": open_file(sample.image, "image", registry)}
            files["trimap"] = open_file(sample.trimap, "trimap", registry)
            inputs = {f"input '{name}'": str(dict(source.identity())) for name, source in files.items()}
            return {"solver": f"{self.target} {metadata.version('pymatting')}", **inputs}
        prepared = prepare(self.request(sample, alpha))
        return {**prepared.fingerprint(), "code": _code(prepared)}

    def request(self, sample: Sample, alpha: Path, memory: int | None = None) -> Request:
        """The run that makes ``alpha`` with this pipeline."""
        return Request(
            pipeline=self.target,
            inputs={"image": sample.image, "trimap": sample.trimap},
            outputs={"alpha": alpha},
            overrides=tuple(self.settings),
            memory=memory,
            overwrite=True,
        )


def parse_methods(words: Sequence[str]) -> tuple[Method, ...]:
    """Methods from ``NAME``, ``FILE.yaml``, ``pymatting:SOLVER``, each with ``LABEL=`` before it if wanted.

    Raises UserError for an unknown pipeline or solver, two methods of one label, and a peer that is not installed.
    """
    methods = [_parse(word) for word in words]
    slugs = [method.slug for method in methods]
    for twice in {slug for slug in slugs if slugs.count(slug) > 1}:
        raise UserError(f"two methods are called '{twice}'; tell them apart with --pipeline LABEL={twice}")
    return tuple(methods)


def _parse(word: str) -> Method:
    label, mark, target = word.partition("=")
    if not mark:
        label, target = (Path(word).stem if word.endswith((".yaml", ".yml")) else word), word
    if not label or not target:
        raise UserError(f"--pipeline {word}: write --pipeline PIPELINE, or --pipeline LABEL=PIPELINE")
    method = Method(label, target)
    if method.solver is None:
        load_document(target)
    else:
        _check_solver(method.solver)
    return method


def _check_solver(solver: str) -> None:
    known = get_args(Solver)
    if solver not in known:
        hint = did_you_mean(solver, known)
        raise UserError(f"--pipeline {PEER}{solver}: no such solver; there are {', '.join(known)}; {hint}".rstrip("; "))
    if find_spec("pymatting") is None:
        raise UserError(f"--pipeline {PEER}{solver}: PyMatting is not installed; pip install 'hdmatt[peers]'")


def _code(prepared: Prepared) -> str:
    """A digest of the modules of the pipeline's stages and of the network: an edit makes another method."""
    folders = {Path(inspect.getfile(node.type.stage)).parent for node in prepared.graph.nodes.values()}
    return _digest(tuple(sorted(folders | {Path(nn.__path__[0])})))


@cache
def _digest(folders: tuple[Path, ...]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for folder in folders:
        for file in sorted(folder.glob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()
