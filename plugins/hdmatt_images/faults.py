"""Faults of files, said in one line: the file, what is wrong with it, and the cure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hdmatt_core.errors import UserError

HEAD = 64
"""Bytes of a file that are looked at to tell its format."""

BOMB_BYTES = 10**9
BOMB_RATIO = 2000

# What the decoders raise for a damaged file; imagecodecs and libvips derive theirs from RuntimeError or Exception.
_DAMAGE = (
    RuntimeError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    struct.error,
    zlib.error,
)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what a decoder raises for a damaged or unreadable file into a :class:`UserError` that names the file."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # Pillow's, for a file that breaks off
            raise damaged(path, str(error)) from error
        raise UserError(f"{path}: cannot be read ({error.strerror}); {_cure(error)}") from error
    except _DAMAGE as error:
        raise damaged(path, str(error) or type(error).__name__) from error


def damaged(path: Path, what: str) -> UserError:
    """The error of a file that is broken in itself."""
    return UserError(f"{path}: is damaged or cut short ({_one_line(what)}); copy or export it again")


def file_size(path: Path) -> int:
    """Bytes of the file; UserError if it is missing, a folder or empty."""
    if not path.exists():
        raise UserError(f"{path}: no such file; check the name")
    if path.is_dir():
        raise UserError(f"{path}: is a folder; give a picture file, or a zarr array")
    size = path.stat().st_size
    if size == 0:
        raise UserError(f"{path}: is empty (0 bytes); copy or export it again")
    return size


def check_shape(path: Path, shape: tuple[int, int]) -> None:
    """UserError if the picture has no pixels."""
    if min(shape) < 1:
        raise UserError(f"{path}: has no pixels ({shape[1]} x {shape[0]}); export it again")


def check_bomb(path: Path, decoded: int, stored: int) -> None:
    """UserError if a file of ``stored`` bytes claims absurdly many ``decoded`` ones (see the rules)."""
    if decoded > BOMB_BYTES and decoded > BOMB_RATIO * stored:
        raise UserError(
            f"{path}: claims {decoded / 1e9:.1f} GB of pixels in a file of {stored} bytes, as a decompression bomb "
            "does; if it is honest, convert it to a tiled TIFF or to zarr"
        )


def _cure(error: OSError) -> str:
    return "change its permissions" if isinstance(error, PermissionError) else "copy or export it again"


def _one_line(text: str) -> str:
    return " ".join(text.split()).strip(" .")
