"""From `python -m services up` to all services ready, and the memory of it all."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.table import row
from services.processes import memory_of


def run() -> None:
    """Start the whole system once, and stop it."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "services", "up", "--folder", folder],
            stdout=subprocess.DEVNULL,
        )
        try:
            while not Path(folder, "run.json").exists():
                assert process.poll() is None, "it did not start"
                time.sleep(0.1)
            taken = time.perf_counter() - started
            memory = sum(memory_of(pid) or 0 for pid in _family(process.pid))
        finally:
            process.terminate()
            process.wait()
    row("start to ready, sample loaded", f"{taken:.1f} s")
    row("memory of the whole system (PSS)", f"{memory / 2**20:.0f} MiB")


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]
