"""How long `curation --help` takes, as ratios to its limit (0.5 s) and to a bare Python that imports typer."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

LIMIT = 0.5
"""Seconds that `curation --help` may take."""
RUNS = 15


def seconds(*words: str) -> float:
    """Wall-clock seconds of one run of `python *words`."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    return time.perf_counter() - begin


def main() -> None:
    """Interleave the runs, so that a slow moment of the machine hits both, and print medians."""
    ours, floor = [], []
    for _ in range(RUNS):
        ours.append(seconds("-m", "curation", "--help"))
        floor.append(seconds("-c", "import typer"))
    mine, bare = statistics.median(ours), statistics.median(floor)
    print(f"curation --help       {mine:.3f} s, {mine / LIMIT:.2f} of the {LIMIT} s limit")
    print(f"python, import typer  {bare:.3f} s; ratio {mine / bare:.2f}")


if __name__ == "__main__":
    main()
