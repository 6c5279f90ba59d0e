"""Telling in a moment whether an input is still what it was: all of a small file, samples of a large one.

A gigapixel scan cannot be read through before every resume. So a large file is known by its size, by 256 samples spread
over all of it, and by when it was last written: who copies a scan and wants to go on keeps the time, as ``cp -p`` and
``rsync -a`` do. A small file is known by its content alone.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

WHOLE = 256 << 20
"""Bytes up to which all of a file or store is read: less than half a second."""
SAMPLES = 256
SAMPLE = 1 << 16
LISTED = 1_000_000
"""Files of a store that are looked at by name, size and time."""


def file_identity(path: Path) -> Mapping[str, str | int]:
    """Bytes and a digest of the file; of a large one also when it was last written."""
    state = path.stat()
    digest = hashlib.blake2b(digest_size=16)
    if state.st_size <= WHOLE:
        _feed(digest, path, [0], WHOLE)
        return {"bytes": state.st_size, "digest": digest.hexdigest()}
    last = state.st_size - SAMPLE
    _feed(digest, path, [last * i // (SAMPLES - 1) for i in range(SAMPLES)], SAMPLE)
    return {"bytes": state.st_size, "digest": digest.hexdigest(), "written": state.st_mtime_ns}


def folder_identity(folder: Path, always: frozenset[str]) -> Mapping[str, str | int]:
    """Number and bytes of the files below, and a digest of names, sizes and contents.

    Of a large store the times of last writing stand for the contents, but for samples and files named in ``always``.
    """
    files = list(files_below(folder))
    total = sum(file.size for file in files)
    large, step = total > WHOLE, max(1, len(files) // SAMPLES)
    digest = hashlib.blake2b(digest_size=16)
    for i, file in enumerate(files):
        digest.update(f"{file.name} {file.size} {file.written if large else ''}\n".encode())
        if not large or i % step == 0 or Path(file.name).name in always:
            _feed(digest, folder / file.name, [0], SAMPLE if large else WHOLE)
    return {"files": len(files), "bytes": total, "digest": digest.hexdigest()}


class File(NamedTuple):
    """A file of a store: its name below the store's folder, bytes, and when it was last written (ns)."""

    name: str
    size: int
    written: int


def files_below(folder: Path) -> Iterator[File]:
    """The first million files below ``folder``, in an order that a copy keeps."""
    return islice(_walk(folder, ""), LISTED)


def _walk(folder: Path, prefix: str) -> Iterator[File]:
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        if entry.is_dir():
            yield from _walk(Path(entry.path), f"{prefix}{entry.name}/")
        else:
            state = entry.stat()
            yield File(prefix + entry.name, state.st_size, state.st_mtime_ns)


def _feed(digest: hashlib.blake2b, path: Path, starts: list[int], count: int) -> None:
    with path.open("rb") as file:
        for start in starts:
            file.seek(start)
            for _ in range(0, count, SAMPLE):
                if not (piece := file.read(SAMPLE)):
                    break
                digest.update(piece)
