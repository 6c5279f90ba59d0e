"""The curve of memory against the picture's size, from what :mod:`large` wrote; needs ``hdmatt[figures]``.

python tests/bench/figure.py bench-out/large.json bench-out/memory.png
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(measured: Path, picture: Path) -> None:
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    runs = json.loads(measured.read_text())["runs"]
    sizes = [run["side"] ** 2 / 1e6 for run in runs]
    figure, axes = pyplot.subplots(figsize=(5.5, 3.2), layout="constrained")
    axes.plot(sizes, [run["peak"] / 1e9 for run in runs], "o-", label="resident, all processes")
    axes.plot(sizes, [sum(run["planned"].values()) / 1e9 for run in runs], "s--", label="planned")
    axes.set(xscale="log", xlabel="megapixels", ylabel="GB", ylim=(0, None))
    axes.legend(frameon=False)
    figure.savefig(picture, dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
