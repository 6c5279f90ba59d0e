"""The training configuration, validated before anything is read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from hdmatt_core.errors import UserError
from hdmatt_core.nn.presets import find_preset
from hdmatt_core.training.procedural import FAMILIES

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Strict(BaseModel):
    """A frozen table that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Phase(Strict):
    """One stretch of training: `images` composed pictures of `patches` patches each, `patch` px wide.

    A picture is `canvas` times as wide as a patch. A share `veiled` of the patches is declared wholly unknown, so that
    what lies around them and contexts must tell. Of a share `overview` of the pictures, patches are told what the
    network itself made of the whole, reduced; 0 leaves the overview out. Of a share `alone`, patches are told nothing
    from beyond themselves but by their contexts, which else have little to say and are not listened to. `bf16`
    computes in bfloat16 where the machine has instructions for it: elsewhere torch would take several times as long as
    in float32, in which it then computes.
    """

    until: Share
    patch: int = Field(ge=32, multiple_of=16)
    images: int = Field(ge=1)
    patches: int = Field(ge=2)
    canvas: float = Field(2.4, ge=1.0)
    bf16: bool = False
    veiled: Share = 0.0
    overview: Share = 0.0
    alone: Share = 0.0


class Mix(Strict):
    """How often a picture's foreground is a photograph, a cut-out, procedural or a random field; any scale."""

    photo: float = Field(0.35, ge=0.0)
    cutout: float = Field(0.25, ge=0.0)
    procedural: float = Field(0.25, ge=0.0)
    field: float = Field(0.15, ge=0.0)


class Procedural(Strict):
    """The pool of procedural foregrounds: how many, how large, where (by default under `out`; runs can share one).

    `families` gives families other shares than their number of pieces; one that is not named keeps its own.
    """

    count: int = Field(400, ge=1)
    seed: int = 0
    side: int = Field(768, ge=64, multiple_of=64)
    folder: Path | None = None
    families: dict[str, Annotated[float, Field(ge=0.0)]] = Field(default_factory=dict)

    @field_validator("families")
    @classmethod
    def _known(cls, families: dict[str, float]) -> dict[str, float]:
        strange = sorted(set(families) - set(FAMILIES))
        if strange:
            raise ValueError(f"there is no family {', '.join(strange)}; there are {', '.join(FAMILIES)}")
        return families


class TrainConfig(Strict):
    """Everything a training run depends on; paths are relative to the working folder, times in minutes."""

    data: Path
    out: Path
    preset: str = "hdmatt-s"
    start: str | None = Field(None, description="weights to begin with, by name or file; none: from nothing")
    seed: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = Field(1, ge=1)
    minutes: float | None = Field(None, gt=0)
    steps: int | None = Field(None, gt=0)
    phases: tuple[Phase, ...] = Field(min_length=1)
    mix: Mix = Mix()
    plain: Share = Field(0.0, description="of pictures: composed plainly, of one thing as large as they are, upright")
    procedural: Procedural = Procedural()
    memory: float = Field(1.5, gt=0, description="GB of decoded material, over all loaders")
    loaders: int = Field(0, ge=0, description="processes that draw batches; 0 draws where the network trains")
    longest: int = Field(900, ge=64)
    lr: float = Field(1e-3, gt=0)
    final_lr: float = Field(1e-5, ge=0)
    warmup: int = Field(200, ge=0)
    weight_decay: float = Field(1e-4, ge=0)
    clip: float = Field(1.0, gt=0)
    ema: float = Field(0.999, gt=0, lt=1)
    gradient_loss: float = Field(0.5, ge=0)
    choice_loss: float = Field(0.02, ge=0)
    overview_loss: float = Field(0.5, ge=0)
    untouched_loss: float = Field(1.0, ge=0, description="of a matte before its last touch, beside the touched one's")
    frozen: tuple[str, ...] = Field((), description="beginnings of the names of weights that stay as they are")
    freeze_norm_from: Share = 0.85
    validate_every: float = Field(10.0, gt=0)
    checkpoint_every: float = Field(3.0, gt=0)
    log_every: int = Field(50, ge=1)


def read_config(path: str | Path) -> TrainConfig:
    """Read and validate a YAML training configuration; raises UserError naming every faulty key."""
    try:
        raw: Any = YAML(typ="safe").load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"there is no training configuration {path}; give the path of a YAML file") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); give the path of a YAML file") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is no text in UTF-8; give the path of a YAML file") from None
    except YAMLError as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    try:
        config = TrainConfig.model_validate(raw)
    except ValidationError as error:
        raise UserError(f"{path} is no valid training configuration", detail=_faults(error)) from None
    ends = [phase.until for phase in config.phases]
    if ends[-1] != 1 or ends != sorted(set(ends)):
        raise UserError(f"{path}: phases end at {', '.join(map(str, ends))}; let `until` rise, and end at 1.0")
    if (config.minutes is None) == (config.steps is None):
        raise UserError(f"{path}: give either minutes or steps, so that training knows its end")
    if any(phase.overview for phase in config.phases) and not find_preset(config.preset).evidence:
        raise UserError(f"{path}: {config.preset} is told of no overview; leave overview out of its phases")
    return config


def _faults(error: ValidationError) -> list[str]:
    return [f"{'.'.join(map(str, fault['loc'])) or 'document'}: {fault['msg']}" for fault in error.errors()]
