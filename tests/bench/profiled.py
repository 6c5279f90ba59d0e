"""The profile of one thread that mattes a scene, block after block: the functions that take most, of themselves.

python tests/bench/profiled.py --size 4096 --folder bench-out
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
from pathlib import Path

import watched
from watched import table

from hdmatt_core.pipeline.sizes import parse_size
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import run

SHOWN = 20


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--size", type=int, default=4096)
    arguments.add_argument("--unknown", type=float, default=0.05)
    arguments.add_argument("--memory", default="2GB")
    arguments.add_argument("--folder", type=Path, default=Path("bench-out"))
    options = arguments.parse_args()
    scene = watched.scene(options.folder, options.size, options.unknown)
    asked = watched.request(scene, options.folder / "alpha-profiled.zarr", parse_size(options.memory))
    request = Request(
        pipeline=asked["pipeline"],
        inputs={"image": asked["image"], "trimap": asked["trimap"]},
        outputs={"alpha": asked["output"]},
        memory=asked["memory"],
        device="cpu",
        dtype=asked["dtype"],
        synchronous=True,
        overwrite=True,
    )
    profile = cProfile.Profile()
    profile.runcall(run, request)
    rows = most(pstats.Stats(profile))
    watched.record(options.folder, "profiled", {"rows": rows})
    print(table(("s of itself", "calls", "function"), rows))


def most(stats: pstats.Stats) -> list[tuple[str, int, str]]:
    """Seconds of itself, calls and name of the functions that take most."""
    ordered = sorted(stats.stats.items(), key=lambda item: -item[1][2])  # type: ignore[attr-defined]
    return [(f"{own:.2f}", calls, named(*where)) for where, (_, calls, own, _, _) in ordered[:SHOWN]]


def named(file: str, line: int, function: str) -> str:
    return function if file == "~" else f"{'/'.join(Path(file).parts[-2:])}:{line} {function}"


if __name__ == "__main__":
    main()
