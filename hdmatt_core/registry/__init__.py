"""Which stages are installed: entry points loaded one by one, so that a broken plug-in harms nobody else."""

from hdmatt_core.registry.problem import Problem
from hdmatt_core.registry.registry import STRICT, Registry

__all__ = ["STRICT", "Problem", "Registry"]
