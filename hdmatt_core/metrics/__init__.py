"""The four errors that papers on matting report, in memory and by tiles: SAD, MSE, Grad and Conn.

Their semantics are those of the MATLAB code that papers use: 8-bit mattes; only pixels whose trimap is unknown
count; the prediction's known pixels are reset from the trimap first, the truth is used as given.
"""

from hdmatt_core.metrics.planes import ArrayPlane, Plane, eight_bit
from hdmatt_core.metrics.reference import score
from hdmatt_core.metrics.streaming import score_tiles
from hdmatt_core.metrics.sums import METRICS, Score

__all__ = ["METRICS", "ArrayPlane", "Plane", "Score", "eight_bit", "score", "score_tiles"]
