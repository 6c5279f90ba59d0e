from hdmatt_core.hooks import hookimpl
from hdmatt_core.kinds import Pool
from hdmatt_core.stage import API, StageType


class Same(Pool):
    """Bears the name of another."""

    def infer(self, specs):
        return {}

    def run(self, block, context):
        return {}


@hookimpl
def hdmatt_stages():
    return [StageType("pool.twin", Same, api=API)]
