"""Every method on every picture: mattes that are there are kept, the others made, all scored."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hdmatt_core.errors import UserError
from hdmatt_core.evaluation.files import open_file, score_files
from hdmatt_core.evaluation.methods import Method
from hdmatt_core.evaluation.sample import Dataset, Sample
from hdmatt_core.metrics import Score
from hdmatt_core.registry import Registry
from hdmatt_core.runtime.outputs import partial_of


@dataclass(frozen=True)
class Row:
    """One picture by one method: its matte, errors (None without truth), what it cost, or why there is none."""

    sample: Sample
    method: str
    alpha: Path
    score: Score | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    error: str = ""
    kept: bool = False  # found from an earlier run


Listener = Callable[[Row], None]


def evaluate(
    dataset: Dataset,
    methods: Sequence[Method],
    out: Path,
    *,
    memory: int | None = None,
    overwrite: bool = False,
    listener: Listener = lambda row: None,
) -> list[Row]:
    """A row for each picture and method, mattes and their records under ``out``/mattes/METHOD/.

    One method after the other, so that an interrupted evaluation has whole methods. ``memory`` (bytes) limits each
    method. A picture that a method cannot do has a row that says why.
    """
    rows = []
    for method in methods:
        for sample in dataset.samples:
            rows.append(_row(method, sample, out / "mattes" / method.slug, memory, overwrite=overwrite))
            listener(rows[-1])
    return rows


def _row(method: Method, sample: Sample, folder: Path, memory: int | None, *, overwrite: bool) -> Row:
    alpha = folder / f"{sample.name}.png"
    alpha.parent.mkdir(parents=True, exist_ok=True)
    record = alpha.with_suffix(".json")
    want = method.fingerprint(sample, alpha)
    found = {} if overwrite else _found(record, alpha, want)
    cost = found.get("cost") or _made(method, sample, alpha, memory)
    if "error" in cost:
        record.unlink(missing_ok=True)
        return Row(sample, method.label, alpha, error=cost["error"])
    truth = _identity(sample.truth)
    kept = found.get("score") if found.get("truth") == truth else None
    errors = Score(**kept) if kept else _score(sample, alpha)
    _write(record, {"fingerprint": want, "cost": cost, "truth": truth, "score": errors and asdict(errors)})
    return Row(sample, method.label, alpha, errors, **cost, kept=bool(found))


def _found(record: Path, alpha: Path, want: Mapping[str, str]) -> dict[str, Any]:
    """The record of a matte that this method made of these inputs, or nothing."""
    if not (record.exists() and alpha.exists()):
        return {}
    try:
        found: dict[str, Any] = json.loads(record.read_text())
    except ValueError:
        return {}  # cut off while it was written: the matte is made again
    return found if found.get("fingerprint") == want else {}


def _made(method: Method, sample: Sample, alpha: Path, memory: int | None) -> dict[str, Any]:
    """Matte in a process of its own; what it cost, or the error."""
    partial = partial_of(alpha)
    job = {
        "method": asdict(method),
        "image": str(sample.image),
        "trimap": str(sample.trimap),
        "alpha": str(partial),
        "memory": memory,
    }
    command = [sys.executable, "-m", "hdmatt_core.evaluation.worker"]
    done = subprocess.run(command, input=json.dumps(job), capture_output=True, text=True, check=False)
    if done.returncode < 0:
        return {"error": f"was killed by signal {-done.returncode}; if it was for memory, give --memory"}
    if done.returncode:
        raise RuntimeError(f"{method.label} failed on {sample.image}\n{done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if "error" not in answer:
        partial.replace(alpha)
    return answer


def _score(sample: Sample, alpha: Path) -> Score | None:
    return score_files(alpha, sample.truth, sample.trimap) if sample.truth else None


def _identity(truth: Path | None) -> str:
    return str(dict(open_file(truth, "matte", Registry.load()).identity())) if truth else ""


def _write(record: Path, content: Mapping[str, Any]) -> None:
    partial = partial_of(record)
    partial.write_text(json.dumps(content, indent=1))
    partial.replace(record)


def check(dataset: Dataset) -> None:
    """UserError naming every file of the set that is missing."""
    files = [file for s in dataset.samples for file in (s.image, s.trimap, s.truth) if file is not None]
    missing = [str(file) for file in files if not file.exists()]
    if missing:
        raise UserError(f"{dataset.root}: {len(missing)} files of the set are missing", detail=missing[:20])


def failed(rows: Sequence[Row]) -> Iterator[Row]:
    """The rows without a matte."""
    return (row for row in rows if row.error)
