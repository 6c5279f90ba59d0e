"""The one hook. A plug-in is a distribution with an entry point in the group ``hdmatt`` whose module implements it.

.. code-block:: python

    # nearby.py, entry point:  [project.entry-points.hdmatt]  nearby = "nearby"
    from hdmatt_core.hooks import hookimpl
    from hdmatt_core.stage import StageType

    @hookimpl
    def hdmatt_stages():
        return [StageType("sampler.nearby", Nearby, api=1)]
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from hdmatt_core.stage import StageType

PROJECT = "hdmatt"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def hdmatt_stages() -> Iterable[StageType]:  # type: ignore[empty-body]  # plug-ins have the body
    """The stages this plug-in brings, named ``kind.word``; the name may then be used in YAML."""
