"""Gamma (Mathet, Widlöcher and Métivier 2015): agreement that aligns spans before it compares them.

Unlike alpha it tolerates a border that is slightly off, and distinguishes two spans from one long one. It is expensive:
an article can take seconds, or hours if many spans overlap. So it runs in a process of its own with a time limit, on a
random sample of articles, and only if the extra `gamma` is installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import time
from collections.abc import Iterable
from heapq import nsmallest
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import NamedTuple

import numpy as np

from curation.article import Value
from curation.errors import CurationError
from curation.metrics.bootstrap import SEED, Interval, draws, interval_of
from curation.metrics.matching import Labelled
from curation.metrics.pairing import Together
from curation.metrics.rounding import rounded

SAMPLE = 200
"""Most articles that are measured."""
CHANCE = 30
"""Random annotations for each article, for the level of chance."""
START = 300.0
"""Seconds in which the library must have been loaded: it compiles itself."""

Marks = list[tuple[str, int, int, str]]
"""Annotator, start, end and type of every span."""


class Gamma(Value):
    """The mean over `articles`, and its 95 % bootstrap interval over articles; 1 is full agreement, 0 chance.

    `undefined` articles were measured and have no gamma: only one annotator marked anything there. `not_reached`
    articles of the sample were skipped (time limit).
    """

    gamma: float | None
    interval: Interval | None
    articles: int
    undefined: int
    not_reached: int


class _Job(NamedTuple):
    section: str
    marks: Marks


def gamma_of(groups: Iterable[Together], *, seconds: float, sample: int = SAMPLE) -> dict[str, Gamma]:
    """Gamma of `entities` and of `triggers`, in at most so many seconds once the library is loaded.

    Raises:
        CurationError: the extra is not installed, or the library does not start.
    """
    if importlib.util.find_spec("pygamma_agreement") is None:
        raise CurationError("gamma needs pygamma-agreement, which is not installed; pip install 'curation[gamma]'")
    chosen = nsmallest(sample, groups, key=_rank)
    jobs = [_Job(section, _marks(group, section)) for group in chosen for section in ("entities", "triggers")]
    found: dict[str, list[float | None]] = {"entities": [], "triggers": []}
    here, there = get_context("spawn").Pipe()
    worker = get_context("spawn").Process(target=_work, args=(there,), daemon=True)
    worker.start()
    there.close()
    try:
        if not here.poll(START):
            raise CurationError(f"gamma: pygamma-agreement did not start in {START:.0f} s; try again, or go without")
        here.recv()
        until = time.monotonic() + seconds
        for job in jobs:
            here.send(job.marks)
            if not here.poll(max(0.0, until - time.monotonic())):
                break
            found[job.section].append(here.recv())
    except EOFError as error:
        raise CurationError("gamma: pygamma-agreement broke down; try again, or go without") from error
    finally:
        worker.kill()
        worker.join()
    return {section: _summed(figures, len(chosen)) for section, figures in found.items()}


def _summed(figures: list[float | None], chosen: int) -> Gamma:
    known = np.array([figure for figure in figures if figure is not None])
    several = len(known) > 1
    return Gamma(
        gamma=rounded(float(known.mean())) if len(known) else None,
        interval=interval_of([weights @ known / len(known) for weights in draws(len(known))]) if several else None,
        articles=len(known),
        undefined=len(figures) - len(known),
        not_reached=chosen - len(figures),
    )


def _rank(group: Together) -> bytes:
    """A hash decides, so the sample is the same whatever order the articles come in."""
    return hashlib.sha256(f"{group.article_id} {group.text_sha256}".encode()).digest()


def _marks(group: Together, section: str) -> Marks:
    marks: Marks = []
    for name, annotation in zip(group.names, group.annotations, strict=True):
        spans: tuple[Labelled, ...] = annotation.entities if section == "entities" else annotation.events
        marks += [(name, span.start, span.end, span.type) for span in spans]
    return marks


def _work(pipe: Connection) -> None:
    """Answer each list of marks with its gamma, or None where it has none. Runs in a process of its own."""
    import logging

    logging.disable(logging.WARNING)  # it complains about its solver with every article
    from pyannote.core import Segment
    from pygamma_agreement import CombinedCategoricalDissimilarity, Continuum

    dissimilarity = CombinedCategoricalDissimilarity(alpha=1, beta=1, delta_empty=1)
    pipe.send("ready")
    while True:
        marks = pipe.recv()
        if len({name for name, *_ in marks}) < 2:
            pipe.send(None)
            continue
        continuum = Continuum()
        for name, start, end, type_ in marks:
            continuum.add(name, Segment(start, end), type_)
        np.random.seed(SEED % 2**32)  # the library draws from numpy's global generator
        gamma = float(continuum.compute_gamma(dissimilarity, n_samples=CHANCE).gamma)
        pipe.send(gamma if np.isfinite(gamma) else None)
