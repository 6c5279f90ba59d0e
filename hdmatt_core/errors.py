"""What a person did wrong, told apart from what the program did wrong.

A :class:`UserError` becomes one line on the terminal and exit code 2. Everything else keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class UserError(Exception):
    """Bad input, said in one line: where, what, and the cure; ``detail`` holds further indented lines."""

    def __init__(self, message: str, *, detail: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.detail = tuple(detail)

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  {line}" for line in self.detail)])

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.detail)


class StageError(UserError):
    """A stage of a plug-in raised while planning or running; names the stage, its type and its distribution."""


class ResumeError(UserError):
    """A run store that cannot go on: the input, the pipeline or the weights are not those it was begun with."""


class MemoryBudgetError(UserError):
    """No plan keeps the memory promise; the message holds the least figure that would."""


class HdmattWarning(UserWarning):
    """Something odd in the input that was dealt with by a stated rule (an uneven trimap, a broken plug-in)."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``did you mean 'encode'?`` where a known name is near, else the empty string."""
    near = get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else ""


def _rebuild(kind: type[UserError], message: str, detail: tuple[str, ...]) -> UserError:
    error = kind.__new__(kind)
    UserError.__init__(error, message, detail=detail)
    return error
