from hdmatt_core.hooks import hookimpl
from hdmatt_core.kinds import Pool, Sink
from hdmatt_core.spec import Input, Output
from hdmatt_core.stage import API, Stage, StageType


class Sound(Pool):
    """Nothing is wrong with this one."""

    def infer(self, specs):
        return {}

    def run(self, block, context):
        return {}


class Idle(Pool):
    """Has no methods."""


class Mute(Sink):
    """Takes arrays and writes nothing."""


class OtherPorts(Stage):
    """Says that it is a pool, but has the ports of none."""

    kind = "pool"
    tiles = Input(("y", "x"))
    other = Output(("tile",))
    infer = run = Sound.infer


class NoSource(Stage):
    """Says that it is a source, but cannot open anything."""

    kind = "source"


@hookimpl
def hdmatt_stages():
    yield StageType("pool.sound", Sound, api=API)
    yield StageType("pool.idle", Idle, api=API)
    yield StageType("sink.mute", Mute, api=API)
    yield StageType("pool.other_ports", OtherPorts, api=API)
    yield StageType("source.none", NoSource, api=API)
    yield StageType("Pool Party", Sound, api=API)
    yield StageType("sampler.sound", Sound, api=API)
    yield StageType("pool.dict", dict, api=API)
    yield "pool.text"
