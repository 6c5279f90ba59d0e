"""The photograph that ships with hdmatt, with its trimap; see CREDITS.md for author and licence."""

from pathlib import Path

PHOTO = Path(__file__).with_name("photo.jpg")
TRIMAP = Path(__file__).with_name("trimap.png")
