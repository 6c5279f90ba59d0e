from hdmatt_core.hooks import hookimpl
from hdmatt_core.stage import StageType


@hookimpl
def hdmatt_stages():
    return [StageType("sampler.outdated", object, api=0)]
