"""What a process keeps is not searched for garbage; what it no longer uses goes back to the system."""

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


def test_a_system_that_lets_no_ctypes_be_imported_can_do_without() -> None:
    script = "import sys, threading; sys.modules['ctypes'] = None; from astakos.processes import memory; "
    script += "memory.keep_giving_back(); print(threading.active_count())"
    assert subprocess.check_output([sys.executable, "-c", script], text=True) == "1\n"


COLLECTED = """
import gc

gc.disable()
from astakos.processes.memory import keep_what_is_there

class Cycle:
    ended = 0

    def __init__(self):
        self.itself = self

    def __del__(self):
        Cycle.ended += 1

Cycle()
keep_what_is_there()
print(Cycle.ended, gc.get_freeze_count() > 1000)
kept = []
Cycle()
while Cycle.ended == 1 and len(kept) < 1_000_000:
    kept.append([])
print(Cycle.ended)
"""


def test_garbage_is_collected_from_then_on_though_it_was_not_while_modules_were_imported() -> None:
    told = subprocess.check_output([sys.executable, "-c", COLLECTED], text=True)
    assert told.split() == ["1", "True", "2"]
