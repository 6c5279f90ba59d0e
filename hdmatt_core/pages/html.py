"""What pages are made of: the frame, tables, pictures with captions. Every text that comes in is escaped here."""

from __future__ import annotations

import base64
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from PIL import Image

Table = Sequence[Sequence[str]]

_STYLE = """
:root { color-scheme: light dark; --line: #8884 }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 92rem; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 2rem; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .8rem .2rem 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap }
th:first-child, td:first-child, .word { text-align: left }
figure { margin: 0 } figcaption { font-size: 12px }
img { display: block; outline: 1px solid var(--line) }
"""


def write(path: Path, title: str, style: str, body: Iterable[str]) -> Path:
    """Write a page, line by line; it has its name only when it is complete."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>')
            file.write(f'<meta name="viewport" content="width=device-width"><style>{_STYLE}{style}</style>\n')
            file.write(f"<h1>{escape(title)}</h1>\n")
            file.writelines(f"{line}\n" for line in body)
        return partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def table(rows: Table, words: Collection[str] = ()) -> str:
    """A table under a line of headings, of which those in ``words`` stand to the left."""
    head, *lines = rows
    cells = "".join(_cell(cell, "th", left=cell in words) for cell in head)
    body = "".join("<tr>" + "".join(_cell(cell) for cell in line) + "</tr>" for line in lines)
    return f"<table><tr>{cells}</tr>{body}</table>"


def _cell(text: str, tag: str = "td", *, left: bool | None = None) -> str:
    """Words to the left, figures to the right."""
    kind = ' class="word"' if (text[:1].isalpha() if left is None else left) else ""
    return f"<{tag}{kind}>{escape(text)}</{tag}>"


def figures(pictures: Mapping[str, str], kind: str) -> str:
    """Pictures, given as URIs by caption, in a block of class ``kind``."""
    shown = (
        f'<figure><img loading="lazy" alt="{caption}" src="{uri}"><figcaption>{caption}</figcaption></figure>'
        for caption, uri in ((escape(name), uri) for name, uri in pictures.items())
    )
    return f'<div class="{kind}">{"".join(shown)}</div>'


def uri(image: Image.Image, quality: int = 70) -> str:
    """The picture itself as an address."""
    held = io.BytesIO()
    image.save(held, "WEBP", quality=quality)
    return "data:image/webp;base64," + base64.b64encode(held.getvalue()).decode()
