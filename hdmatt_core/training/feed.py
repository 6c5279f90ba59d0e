"""What feeds training: the composer of a configuration and its batches."""

from __future__ import annotations

from hdmatt_core.training.compose import Drawer
from hdmatt_core.training.config import TrainConfig
from hdmatt_core.training.procedural.pool import Pool


def procedural_drawer(config: TrainConfig) -> Drawer:
    """Open the pool of procedural foregrounds, which a process beside this one fills where pieces are missing."""
    wanted = config.procedural
    pool = Pool(wanted.folder or config.out, config.seed, wanted.count, wanted.side)
    drawer = pool.drawer(wanted.families)
    pool.fill_beside()
    return drawer
