from hdmatt_core.hooks import hookimpl
from hdmatt_core.kinds import Sampler
from hdmatt_core.stage import API, StageType


class Same(Sampler):
    """Bears the name of another."""

    def infer(self, specs):
        return {}

    def run(self, block, context):
        return {}


@hookimpl
def hdmatt_stages():
    return [StageType("sampler.topk", Same, api=API)]
