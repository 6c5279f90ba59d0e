"""Decoded pictures within a budget of memory: the ones used last stay."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Generic, TypeVar, overload

from PIL import Image

T = TypeVar("T")


class Cache:
    """At most `budget` bytes of values, by key; the one that was not asked for the longest goes first."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._held: OrderedDict[Hashable, tuple[object, int]] = OrderedDict()
        self.used = 0

    def get(self, key: Hashable, make: Callable[[], T], size: Callable[[T], int]) -> T:
        """Return the value of a key, made anew where it is not held."""
        if key in self._held:
            self._held.move_to_end(key)
            value: T = self._held[key][0]  # type: ignore[assignment]
            return value
        value = make()
        self._held[key] = (value, size(value))
        self.used += self._held[key][1]
        while self.used > self._budget and len(self._held) > 1:
            self.used -= self._held.popitem(last=False)[1][1]
        return value


class Shelf(Sequence[T], Generic[T]):
    """A sequence of values that are made when they are taken, and kept by a cache."""

    def __init__(self, makers: Sequence[Callable[[], T]], cache: Cache, size: Callable[[T], int]) -> None:
        self._makers, self._cache, self._size = makers, cache, size

    def __len__(self) -> int:
        return len(self._makers)

    @overload
    def __getitem__(self, at: int) -> T: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...

    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        if isinstance(at, slice):
            return Shelf(self._makers[at], self._cache, self._size)
        maker = self._makers[at]
        # The maker is its own key: two shelves that share a cache never mistake each other's values.
        return self._cache.get(maker, maker, self._size)

    def __iter__(self) -> Iterator[T]:
        return (self[at] for at in range(len(self)))


def image_bytes(image: Image.Image) -> int:
    """Return the memory of an 8-bit image."""
    return image.width * image.height * len(image.getbands())
