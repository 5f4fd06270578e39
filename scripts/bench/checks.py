"""How many of 300 seeded errors `curation check` finds in the sample gold.

    python scripts/bench/checks.py [--seed 1] [--findings 600] [--without-engine]

The errors (tests/review/seeded.py) were written apart from the checks. The second opinion is the default engine, which
was written with this corpus in view: without it the figure is what consistency alone gives. Prints, for each kind of
error, how many are come upon within the first findings, and how many findings the gold has where nothing was seeded.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from curation.annotation import Annotation
from curation.files import write_jsonl
from curation.formats.articles import good_articles
from curation.jobs.agreement import read_set
from curation.jobs.check import CheckResult, find
from curation.jobs.preannotate import preannotate
from curation.project import Project

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "review"))

from seeded import counts, found, seed_errors

ROOT = Path(__file__).resolve().parents[2]
STEPS = (100, 200, 300, 600)


def main() -> None:
    """Print the table and, last on stdout, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--findings", type=int, default=600, help="how many findings a curator reads")
    parser.add_argument("--without-engine", action="store_true", help="no second opinion")
    options = parser.parse_args()
    project = Project.open(ROOT / "curation.toml")
    gold = list(read_set(project, ROOT / "corpus" / "gold"))
    articles = {one.id: one for one in good_articles(project.articles)}
    wrong, errors = seed_errors(gold, articles, project.load_schema(), seed=options.seed)
    with tempfile.TemporaryDirectory() as folder:
        opinion = Path(folder) / "engine.jsonl"
        preannotate(project, out=opinion)
        if options.without_engine:
            opinion.write_text("")
        seeded = checked(project, wrong, Path(folder) / "seeded.jsonl", opinion)
        clean = checked(project, gold, Path(folder) / "gold.jsonl", opinion)
    places = [(one.article_id, [(s.start, s.end) for s in one.spans]) for one in seeded.findings]
    steps = sorted({*STEPS, options.findings})
    upon = {step: found(errors, places[:step]) for step in steps}
    table = Table(box=None, title=f"seeded errors found within the first findings (of {seeded.found})")
    for column in ("kind of error", "seeded", *map(str, steps)):
        table.add_column(column, justify="left" if column == "kind of error" else "right")
    by_kind = {step: counts(some) for step, some in upon.items()}
    for kind, count in sorted(counts(errors).items()):
        table.add_row(kind, str(count), *(str(by_kind[step][kind]) for step in steps))
    table.add_row("all", str(len(errors)), *(str(len(upon[step])) for step in steps))
    console = Console(stderr=True)
    console.print(table)
    lowest = seeded.findings[: options.findings][-1].score
    above = sum(one.score >= lowest for one in clean.findings)
    console.print(f"the gold as it stands has {clean.found} findings, {above} of them as strong as those counted here")
    missed = [error for error in errors if error not in set(upon[options.findings])]
    for error in missed[:20]:
        said = f"not found: {error.kind} in {error.article_id}: {error.was} → {error.now}"
        console.print(said, markup=False, soft_wrap=True)
    figures = {
        "errors": len(errors),
        "findings": options.findings,
        "found": len(upon[options.findings]),
        "recall": round(len(upon[options.findings]) / len(errors), 3),
        "by_kind": {kind: [by_kind[options.findings][kind], count] for kind, count in sorted(counts(errors).items())},
        "clean": clean.found,
        "clean_as_strong": above,
    }
    print(json.dumps(figures))


def checked(project: Project, annotations: list[Annotation], path: Path, opinion: Path) -> CheckResult:
    """What the checks find in `annotations`, written to `path` first."""
    write_jsonl(path, (one.to_json() for one in annotations))
    return find(project, path, preannotations=opinion)


if __name__ == "__main__":
    main()
