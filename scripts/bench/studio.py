"""Label Studio as `curation studio` runs it beside Label Studio as it comes: the same requests to both, in turns.

    python scripts/bench/studio.py [--tasks 1000] [--rounds 3]

Tasks are those of `scripts/bench/labelstudio.py`, two thirds of them answered. What is compared is the middle of all
turns, since a collection of garbage hits one and spares the next.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from labelstudio import BATCH, Bench, annotator_api, peak

from curation.labelstudio.local_server import Studio, start, stop
from curation.labelstudio.queries import exported, listed

KINDS = ("as we run it", "as it comes")


def main() -> None:
    """Measure, and print one line a request."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=1000, help="tasks in a project")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each server")
    options = parser.parse_args()
    options.single = 0
    folder = Path(tempfile.mkdtemp(prefix="curation-bench-"))
    studios: dict[str, Studio] = {}
    try:
        for kind in KINDS:
            (folder / kind).mkdir()
            studios[kind] = start(folder / kind / "studio", plain=kind == KINDS[1])
        benches = {kind: Bench(folder / kind, one.url, one.api_key, options) for kind, one in studios.items()}
        for bench in benches.values():
            bench.write_input()
        seconds: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for turn in range(options.rounds):
            for kind in KINDS if turn % 2 else reversed(KINDS):
                for what, took in requests(benches[kind]):
                    seconds[what][kind].append(took)
        for what, turns in seconds.items():
            ours, theirs = (1e3 * median(turns[kind]) / options.tasks for kind in KINDS)
            print(f"{what:<40} {theirs / ours:.2f} ({ours:.2f}, {theirs:.2f} ms a task)")
        ours, theirs = (peak(studios[kind].pid) for kind in KINDS)
        print(f"{'largest memory of the server':<40} {ours / theirs:.2f} ({ours:.0f}, {theirs:.0f} MB)")
    finally:
        for kind in studios:
            stop(folder / kind / "studio")
        shutil.rmtree(folder)


def requests(bench: Bench) -> list[tuple[str, float]]:
    """One turn: what was asked, and how many seconds all tasks of a new project took."""
    bodies, project = list(bench.bodies()), bench.new_project()
    print(f"… {bench.folder.name}", file=sys.stderr)
    begin = time.perf_counter()
    for body in bodies:
        bench.post(f"/api/projects/{project}/import", body)
    imported = time.perf_counter() - begin
    tasks = list(annotator_api.tasks(bench.client, project))
    begin = time.perf_counter()
    bench.answer(tasks[::3] + tasks[1::3])
    answered = time.perf_counter() - begin
    begin = time.perf_counter()
    for _ in listed(bench.client, project, include="id,data,updated_at", page=BATCH):
        pass
    list_all = time.perf_counter() - begin
    begin = time.perf_counter()
    for _ in exported(bench.client, project, [task.id for task in tasks]):
        pass
    export = time.perf_counter() - begin
    return [
        (f"import, {BATCH} tasks a request", imported),
        ("submit, two of three tasks", answered),
        (f"list, {BATCH} tasks a request", list_all),
        ("export, 200 tasks a request", export),
    ]


if __name__ == "__main__":
    main()
