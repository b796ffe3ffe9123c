"""What a process no longer uses goes back to the system."""

import subprocess
import sys

import pytest

FREED = """
import ctypes, pathlib, sys, threading, time
from astakos.processes import memory

def resident():
    status = pathlib.Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")) // 1024

memory.PERIOD_SECONDS = 0.1
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.free.argtypes = [ctypes.c_void_p]
before = resident()
blocks = [library.malloc(50_000) for _ in range(1600)]
for block in blocks:
    ctypes.memset(block, 1, 50_000)
# What stays in use at the end keeps the rest from being given back by free() alone.
for block in blocks[:-1]:
    library.free(block)
freed = resident() - before
memory.keep_giving_back()
deadline = time.monotonic() + 10
while resident() - before > freed / 2 and time.monotonic() < deadline:
    time.sleep(0.05)
print(freed, resident() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc, and tests what glibc has")
def test_what_is_free_goes_back_to_the_system() -> None:
    kept, left = map(int, subprocess.check_output([sys.executable, "-c", FREED], text=True).split())
    assert kept > 60
    assert left < 20
