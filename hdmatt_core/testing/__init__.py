"""The kit for authors of stages: a conformance class, small scenes, requests served from memory, a store that raises.

.. code-block:: python

    from hdmatt_core.testing import StageConformance

    class TestNearby(StageConformance):
        name = "sampler.nearby"
        stage = Nearby
        params = {"k": 4}
"""

from __future__ import annotations

from hdmatt_core.testing.conformance import StageConformance
from hdmatt_core.testing.context import FakeContext, seeded_network
from hdmatt_core.testing.scenes import Scene, scene
from hdmatt_core.testing.serving import Given, complete, given, run_stage, serve, tiles_given, whole_target
from hdmatt_core.testing.standard import pictures, standard_inputs
from hdmatt_core.testing.store import RaisingStore, ReadError

__all__ = [
    "FakeContext",
    "Given",
    "RaisingStore",
    "ReadError",
    "Scene",
    "StageConformance",
    "complete",
    "given",
    "pictures",
    "run_stage",
    "scene",
    "seeded_network",
    "serve",
    "standard_inputs",
    "tiles_given",
    "whole_target",
]
