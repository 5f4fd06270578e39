"""Label Studio with a garbage collector that suits it; run by the Python of its own environment, where we are not.

A request about a few hundred tasks makes a hundred thousand objects. Whenever there are 700 more, Python looks among
them for cycles, and now and then among all that the program itself consists of: four tenths of the server's time.
`scripts/bench/studio.py` shows what it costs.
"""

from __future__ import annotations

import gc
import runpy
from typing import Any

THRESHOLDS = (5000, 5, 5)
"""How many objects more, and collections of younger ones, make a collection. More take memory, and no less time."""


def main() -> None:
    """Run Label Studio as `label-studio` does, with the same arguments."""
    from django.core.signals import request_finished  # type: ignore[import-not-found]

    def settle(**_: Any) -> None:
        """With the first answer the program is loaded: what it consists of stays, and is not looked through again."""
        request_finished.disconnect(settle)
        gc.collect()
        gc.freeze()

    gc.set_threshold(*THRESHOLDS)
    request_finished.connect(settle, weak=False)
    runpy.run_module("label_studio.server", run_name="__main__")


if __name__ == "__main__":
    main()
