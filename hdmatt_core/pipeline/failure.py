"""What is said when a stage of a plug-in raises while a pipeline is put together."""

from __future__ import annotations

from hdmatt_core.errors import StageError
from hdmatt_core.registry.problem import told
from hdmatt_core.stage import StageType


def stage_failure(place: str, who: str, type_: StageType | None, doing: str, error: BaseException) -> StageError:
    """A StageError that names place, stage and distribution, with ``error`` as its cause."""
    brought_by = type_.distribution if type_ and type_.distribution else "an unnamed plug-in"
    failure = StageError(
        f"{place}: {who} of {brought_by} failed in {doing}",
        detail=[told(error), "a fault of the plug-in, not of the pipeline; 'hdmatt --traceback ...' shows it whole"],
    )
    failure.__cause__ = error
    return failure
