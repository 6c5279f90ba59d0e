"""Entry points, each loaded under its own guard: what they bring, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points

import pluggy

from hdmatt_core import hooks
from hdmatt_core.errors import UserError
from hdmatt_core.registry.problem import Problem, told
from hdmatt_core.registry.screening import screened
from hdmatt_core.stage import StageType

GROUP = "hdmatt"
BUILT_IN = "hdmatt"
"""Name of the distribution whose stages win every conflict."""


@dataclass
class Loaded:
    """What the entry points gave so far."""

    types: dict[str, StageType] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def load_entry_points() -> Loaded:
    """Every stage that can be had, the built-in ones first, then by name of distribution.

    Raises UserError where hdmatt itself is not installed, for then it has no entry points.
    """
    points = sorted(entry_points(group=GROUP), key=_rank)
    if not any(_package(point) == BUILT_IN for point in points):
        cure = "install it, from its source tree with: pip install -e ."
        raise UserError(f"hdmatt is not installed, so none of its stages is found; {cure}")
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    loaded = Loaded()
    for point in points:
        for brought in _brought(manager, point, loaded):
            _admit(brought, point, loaded)
    return loaded


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "unknown"


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "unknown"


def _rank(point: EntryPoint) -> tuple[bool, str, str]:
    package = _package(point)
    return package != BUILT_IN, package.lower(), point.name


def _problem(point: EntryPoint, what: str, cure: str, stage: str = "", error: BaseException | None = None) -> Problem:
    return Problem(_distribution(point), f"{point.name} = {point.value}", what, cure, stage, error)


def _brought(manager: pluggy.PluginManager, point: EntryPoint, loaded: Loaded) -> Iterator[object]:
    """What the hook of one entry point gives; whatever it raises, SystemExit too, becomes a problem."""
    try:
        plugin = point.load()
        manager.register(plugin, name=f"{_distribution(point)}: {point.name}")
        calls = [call for call in manager.hook.hdmatt_stages.get_hookimpls() if call.plugin is plugin]
        if calls:
            brought: list[object] = list(calls[0].function())  # type: ignore[call-overload]  # whatever it gave
            return iter(brought)
        cure = "decorate a function hdmatt_stages() with hdmatt_core.hooks.hookimpl"
        loaded.problems.append(_problem(point, "it implements no hook", cure))
    except pluggy.PluginValidationError:
        what = "its hook's parameters are not those of hdmatt_core.hooks"  # pluggy says so in lines of object names
        loaded.problems.append(_problem(point, what, "write it as hdmatt_stages(), without any"))
    except (Exception, SystemExit) as error:
        cure = f"repair or upgrade it, or remove it: pip uninstall {_package(point)}"
        loaded.problems.append(_problem(point, told(error), cure, error=error))
    return iter(())


def _admit(brought: object, point: EntryPoint, loaded: Loaded) -> None:
    verdict = screened(brought, _distribution(point))
    name = brought.name if isinstance(brought, StageType) else ""
    if verdict:
        loaded.problems.append(_problem(point, *verdict, stage=str(name)))
    elif (first := loaded.types.get(name)) is not None:
        what = f"stage {name!r} is already brought by {first.distribution}, which is used"
        loaded.problems.append(_problem(point, what, "remove one of the two or ask for another name", name))
    elif isinstance(brought, StageType):
        loaded.types[name] = replace(brought, distribution=_distribution(point))
