"""What an ablation compares: tables of variants of one pipeline, on one set, from a YAML file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from hdmatt_core.errors import UserError
from hdmatt_core.evaluation.methods import Method

Setting = Annotated[str, StringConstraints(pattern=r"^[^=]+=.*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Variant(_Strict):
    """One row: another pipeline than the ablation's, and parameters as ``--set`` takes them."""

    pipeline: str | None = None
    set: tuple[Setting, ...] = ()


class Table(_Strict):
    """One table: a title, and the variants by the names they have in it; the first is what others are compared to."""

    title: str
    variants: dict[str, Variant] = Field(min_length=2)


class Attention(_Strict):
    """How attention is judged: variants' pipelines by name, and how many patches of each picture are looked at."""

    queries: int = Field(8, ge=1)
    variants: dict[str, Variant] = Field(min_length=1)


class Ablation(_Strict):
    """The whole file: a set as ``LAYOUT:FOLDER``, the pipeline that variants change, and the tables by name.

    ``images`` takes the first so many pictures of each of the set's ``bands``; without it, all.
    """

    set: str
    pipeline: str = "hdmatt"
    weights: str | None = None
    images: int | None = Field(None, ge=1)
    tables: dict[str, Table] = Field(min_length=1)
    attention: Attention | None = None

    def method(self, variant: Variant) -> Method:
        """The variant as a method; equal variants of two tables are equal methods, and are run once."""
        pipeline = variant.pipeline or self.pipeline
        weights = (f"weights={self.weights}",) if self.weights else ()
        settings = (*weights, *variant.set)
        return Method(" ".join((Path(pipeline).stem, *settings)), pipeline, settings)

    def methods(self) -> Iterator[Method]:
        """Every different method of the tables, in order."""
        every = [self.method(variant) for table in self.tables.values() for variant in table.variants.values()]
        yield from dict.fromkeys(every)


def read_ablation(path: Path) -> Ablation:
    """Read and validate an ablation's YAML; UserError naming every faulty key."""
    try:
        raw: Any = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        return Ablation.model_validate(raw)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; give an ablation's YAML file") from error
    except YAMLError as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc'])) or 'document'}: {fault['msg']}" for fault in error.errors()]
        raise UserError(f"{path} is no valid ablation", detail=faults) from error
