"""The built-in stages: HDMatt's own, its ablations, the trimap from a mask and the foreground's colours."""

from __future__ import annotations

from hdmatt_core.hooks import hookimpl
from hdmatt_core.stage import API, StageType
from hdmatt_stages.aggregator import NonLocal, TrimapGuided
from hdmatt_stages.blender import Crop, Ramp
from hdmatt_stages.colour import Far, Known, Palette
from hdmatt_stages.decoder import Unpool
from hdmatt_stages.encoder import ResNet
from hdmatt_stages.foreground import BlurFusion
from hdmatt_stages.overview import Image, Patches, Trimap
from hdmatt_stages.pool import AllPatches, NearUnknown
from hdmatt_stages.sampler import NoContext, RandomContext, TopK
from hdmatt_stages.tiler import GridTiler
from hdmatt_stages.trimap import FromMask

STAGES = {
    "tiler.grid": GridTiler,
    "pool.all": AllPatches,
    "pool.near": NearUnknown,
    "colour.known": Known,
    "colour.far": Far,
    "colour.palette": Palette,
    "overview.image": Image,
    "overview.trimap": Trimap,
    "overview.patches": Patches,
    "encoder.resnet": ResNet,
    "sampler.topk": TopK,
    "sampler.random": RandomContext,
    "sampler.none": NoContext,
    "aggregator.tgnl": TrimapGuided,
    "aggregator.nonlocal": NonLocal,
    "decoder.unpool": Unpool,
    "blender.ramp": Ramp,
    "blender.crop": Crop,
    "foreground.blurfusion": BlurFusion,
    "trimap.from_mask": FromMask,
}


@hookimpl
def hdmatt_stages() -> list[StageType]:
    """Register every built-in stage, by the hook that plug-ins use."""
    return [StageType(name, stage, api=API) for name, stage in STAGES.items()]
