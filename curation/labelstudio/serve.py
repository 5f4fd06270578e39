"""Label Studio with a patient garbage collector; run by the Python of its own environment, where we are not installed.

A request about a few hundred tasks makes a hundred thousand objects, and Python looks among them for cycles whenever
there are 700 more. Nearly half of the server's time went there: see `scripts/bench/studio.py`.
"""

from __future__ import annotations

import gc
import runpy

MORE = 10_000
"""Objects by which those made must outnumber those freed before Python looks. With more, memory grows and time not."""

if __name__ == "__main__":
    gc.set_threshold(MORE, *gc.get_threshold()[1:])
    runpy.run_module("label_studio.server", run_name="__main__")
