"""The life of a shared project runs to its end, as a program of its own."""

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "shared_project.py"


def test_the_whole_life_is_lived() -> None:
    run = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    first, *others, last = run.stdout.splitlines()
    assert first == "Ada has applied for lab.example.org: application 1."
    assert "Each member may have 3: compute.vm: available 1, requested 2." in others
    assert "Grace has left: compute.vm: available -2, requested 1." in others
    assert last == "lab.example.org has ended."
