"""Threads allocate from one heap, so that what one freed serves another."""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators decide for themselves")

HEAPS = """
import ctypes, sys, threading
from hdmatt_core.runtime.heap import share_one
if sys.argv[2] == "one":
    share_one()
met = threading.Barrier(4)
def work():
    met.wait()
    held = [ctypes.create_string_buffer(5000) for _ in range(100)]
    met.wait()
threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc = ctypes.CDLL("libc.so.6")
libc.fopen.restype = ctypes.c_void_p
told = libc.fopen(sys.argv[1].encode(), b"w")
libc.malloc_info(0, ctypes.c_void_p(told))
libc.fclose(ctypes.c_void_p(told))
"""


@pytest.mark.parametrize(("heaps", "one"), [("one", True), ("many", False)])
def test_threads_share_one(tmp_path: Path, heaps: str, one: bool) -> None:
    told = tmp_path / "heaps.xml"
    # dask leaves what its workers are started with in the environment of the process that started them.
    without = {name: value for name, value in os.environ.items() if name != "MALLOC_ARENA_MAX"}
    subprocess.run([sys.executable, "-c", HEAPS, str(told), heaps], check=True, env=without)
    assert (len(re.findall("<heap nr=", told.read_text())) == 1) is one
