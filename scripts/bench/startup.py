"""Time of `curation --help` and `import curation`, as ratios to their limits and to a Python that imports typer."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

LIMITS = {"help": 0.5, "import": 0.15}
"""Seconds that `curation --help` and `import curation` may take."""
RUNS = 15


def seconds(*words: str) -> float:
    """Wall-clock seconds of one run of `python *words`."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, capture_output=True)
    return time.perf_counter() - begin


def main() -> None:
    """Interleave the runs, so that a slow moment of the machine hits all, and print medians."""
    times: dict[str, list[float]] = {"help": [], "import": [], "typer": []}
    for _ in range(RUNS):
        times["help"].append(seconds("-m", "curation", "--help"))
        times["import"].append(seconds("-c", "import curation"))
        times["typer"].append(seconds("-c", "import typer"))
    medians = {name: statistics.median(runs) for name, runs in times.items()}
    for name, label in (("help", "curation --help"), ("import", "import curation")):
        print(f"{label:<21} {medians[name]:.3f} s, {medians[name] / LIMITS[name]:.2f} of the {LIMITS[name]} s limit")
    print(f"python, import typer  {medians['typer']:.3f} s; ratio {medians['help'] / medians['typer']:.2f}")


if __name__ == "__main__":
    main()
