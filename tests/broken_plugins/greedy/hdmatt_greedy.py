"""A hook that asks for what nobody gives it."""

from __future__ import annotations

from hdmatt_core.hooks import hookimpl


@hookimpl
def hdmatt_stages(registry: object) -> list[object]:
    return [registry]
