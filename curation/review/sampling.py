"""Which articles are annotated by two people and which blind: a share of them, chosen by a hash of their ids.

The choice depends on the id, the share and the seed only: it stays the same as the corpus grows, and a larger share
contains all articles of a smaller one.
"""

from __future__ import annotations

import hashlib
import re
from typing import Literal

Cohort = Literal["overlap", "blind"]

_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,4})?)\s*%")


def share(written: str) -> float:
    """`10%` → 0.1.

    Raises:
        ValueError: it is no percentage from 0% to 100%.
    """
    found = _SHARE.fullmatch(written.strip())
    if found is None or float(found[1]) > 100:
        raise ValueError(f"{written!r} is no share; write one such as 10%")
    return float(found[1]) / 100


def among(article_id: str, cohort: Cohort, part: float, *, seed: str) -> bool:
    """Whether the article is in a cohort of `part` (0 to 1) of all articles; the two cohorts are independent."""
    drawn = hashlib.sha256("\0".join((seed, cohort, article_id)).encode()).digest()
    return int.from_bytes(drawn[:8], "big") < part * 2**64
