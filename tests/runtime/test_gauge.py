"""Memory is looked at while a run goes on: what was held at any time, and what other processes hold."""

from __future__ import annotations

import mmap
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from hdmatt_core.runtime import gauge
from hdmatt_core.runtime.events import Event, Memory
from hdmatt_core.runtime.gauge import Gauge, resident
from hdmatt_core.runtime.request import Request
from hdmatt_core.runtime.run import run
from hdmatt_core.testing import Scene

HELD = 64 << 20


def test_what_was_held_between_two_readings_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauge, "EVERY", 0.01)
    with Gauge(family=False) as looking:
        before = looking.read().resident_bytes
        held = mmap.mmap(-1, HELD)  # an array might lie in what other tests left to the allocator
        np.frombuffer(held, np.uint8)[:] = 1
        time.sleep(0.3)
        held.close()
        assert looking.read().resident_bytes > before + HELD // 2
        assert not looking.due


def test_the_family_counts_where_it_is_asked_for() -> None:
    words = [sys.executable, "-c", f"held = bytearray({HELD}); print(); input()"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert resident(family=True) > resident(family=False) + HELD
        child.communicate(b"\n")


def test_every_run_tells_its_memory(request_for: Callable[..., Request], picture: Scene, tmp_path: Path) -> None:
    small = {"image": picture.image[150:350, 300:500], "trimap": picture.trimap[150:350, 300:500]}
    heard: list[Event] = []
    run(request_for(inputs=small, synchronous=True), heard.append)
    told = [event.resident_bytes for event in heard if isinstance(event, Memory)]
    assert len(told) >= 2, "at the beginning and at the end"
    assert all(100 << 20 < held <= psutil.virtual_memory().total for held in told)
