"""Every figure that is pinned: its name is its file in `expected/`, its value what the public commands give now."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from frozen_project import FROZEN, ROOT, curation, lay_out

from curation.formats.registry import format_names
from curation.labelstudio.config import instructions, labelling_config
from curation.schema import load_schema

FORMATS = tuple(format_names())
RULE_CHECKS = (
    "overlap",
    "border",
    "label-here",
    "label-elsewhere",
    "unmarked-here",
    "unmarked-elsewhere",
    "unmarked-trigger",
    "odd-trigger",
    "engine",
)
"""Kinds of findings that follow from rules. The others come from a fitted classifier, and may change with it."""

Figure = Callable[[Path], str]
FIGURES: dict[str, Figure] = {}
"""File name in `expected/` → function of an empty folder to the text of that file."""


def figure(name: str) -> Callable[[Figure], Figure]:
    """Register a figure under its file name."""

    def register(function: Figure) -> Figure:
        FIGURES[name] = function
        return function

    return register


def as_json(value: Any, folder: Path) -> str:
    """Indented JSON with sorted keys, without what differs from one machine or version of an engine to another."""
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    text = text.replace(str(folder), "FOLDER").replace(str(ROOT), "REPOSITORY")
    return re.sub(r"(engine:(?:spacy|annotations|second|ensemble)@)[\w.+]+", r"\1VERSION", text)


def without(record: dict[str, Any], *names: str) -> dict[str, Any]:
    """`record` less some keys."""
    return {name: value for name, value in record.items() if name not in names}


@figure("agreement.json")
def agreement(folder: Path) -> str:
    """Who agrees with whom."""
    return as_json(curation(lay_out(folder), "agreement"), folder)


@figure("agreement-sets.json")
def agreement_of_sets(folder: Path) -> str:
    """Two passes over the sample, as sets of files."""
    passes = (ROOT / "corpus" / "passes" / "a", ROOT / "corpus" / "passes" / "b")
    return as_json(curation(lay_out(folder), "agreement", *passes), folder)


@figure("corrections.json")
def corrections(folder: Path) -> str:
    """What people made of the predictions."""
    return as_json(curation(lay_out(folder), "corrections"), folder)


@figure("evaluate-spacy.json")
def evaluate_spacy(folder: Path) -> str:
    """The default engine against the sample's gold."""
    report = curation(lay_out(folder), "evaluate", "--engine", "spacy")
    report["throughput"] = None
    return as_json(report, folder)


@figure("evaluate-mapping.json")
def evaluate_mapping(folder: Path) -> str:
    """Frozen predictions against gold in the labels of another ontology, with its conventions."""
    project, gold = lay_out(folder), FROZEN / "gold.wikievents.jsonl"
    predictions = folder / "work" / "preannotations" / "spacy.jsonl"
    words = ("evaluate", "--annotations", predictions, "--gold", gold, "--mapping", "wikievents")
    return as_json(without(curation(project, *words), "conventions"), folder)


@figure("predictions.sha256")
def predicted(folder: Path) -> str:
    """Hash of the default engine's predictions of the first eight articles, whatever its version is called."""
    project = lay_out(folder)
    articles = sorted((ROOT / "corpus" / "articles").glob("*.txt"))[:8]
    named = [word for article in articles for word in ("--articles", article)]
    curation(project, "preannotate", *named, "--out", folder / "predicted.jsonl")
    lines = []
    for line in (folder / "predicted.jsonl").read_text(encoding="utf-8").splitlines():
        record = without(json.loads(line), "id", "annotator")
        text = json.dumps(record, ensure_ascii=False, sort_keys=True)
        lines.append(hashlib.sha256(re.sub(r"spacy@[\w.+]+", "spacy", text).encode()).hexdigest())
    return "".join(f"{digest} {article.stem}\n" for digest, article in zip(lines, articles, strict=True))


@cache
def calibrated(folder: Path) -> dict[str, Any]:
    """What `curation calibrate` prints, and the file it writes to `folder`."""
    predictions = folder / "work" / "preannotations" / "spacy.jsonl"
    words = ("calibrate", "--annotations", predictions, "--out", folder / "calibration.json")
    return curation(lay_out(folder), *words)


@figure("calibrate.json")
def calibrate(folder: Path) -> str:
    """The figures of a calibration."""
    return as_json(calibrated(folder), folder)


@figure("calibration-file.json")
def calibration_file(folder: Path) -> str:
    """The calibration file itself."""
    calibrated(folder)
    return as_json(json.loads((folder / "calibration.json").read_text(encoding="utf-8")), folder)


@figure("ensemble.json")
def ensemble(folder: Path) -> str:
    """Figures of an ensemble of two files of predictions, and the file of its weights."""
    project, made = lay_out(folder), folder / "work" / "preannotations"
    members = ("--member", f"annotations={made / 'spacy.jsonl'}", "--member", f"annotations={made / 'second.jsonl'}")
    report = curation(project, "ensemble", *members, "--out", folder / "ensemble.json")
    weights = without(json.loads((folder / "ensemble.json").read_text(encoding="utf-8")), "digest")
    return as_json({"report": report, "file": weights}, folder)


@figure("check-rules.txt")
def check_rules(folder: Path) -> str:
    """Findings of the checks that follow from rules, in no order: article and id, which holds kind, span and labels."""
    kinds = [word for kind in RULE_CHECKS for word in ("--kind", kind)]
    report = curation(lay_out(folder), "check", "--top", "10000", *kinds)
    assert report["found"] == len(report["findings"]), "not every finding was printed"
    rows = []
    for finding in report["findings"]:
        rows += [f"{finding['article_id']} {each['kind']} {each['id']}" for each in (finding, *finding["also"])]
    return "".join(f"{row}\n" for row in sorted(rows))


@figure("status.json")
def status(folder: Path) -> str:
    """Where every article stands."""
    return as_json(curation(lay_out(folder), "status"), folder)


@figure("report.json")
def report(folder: Path) -> str:
    """The figures of the report page, without its sentences and without the checks."""
    words = ("report", "--no-checks", "--articles", "5")
    made = curation(lay_out(folder), *words)
    sentences = ("notes", "agreement_notes", "correction_notes", "reader", "output", "bytes")
    return as_json(without(made, *sentences), folder)


@cache
def published(folder: Path) -> dict[str, Any]:
    """The first release of the frozen snapshot."""
    return curation(lay_out(folder, release=False), "publish")


@figure("publish.json")
def publish(folder: Path) -> str:
    """What `curation publish` prints, and the manifest of the release less files and software."""
    printed = published(folder)
    manifest = json.loads((folder / "work" / "releases" / "v0.1.0" / "manifest.json").read_text(encoding="utf-8"))
    return as_json({"printed": printed, "manifest": without(manifest, "files", "software")}, folder)


def _of_release(name: str) -> Figure:
    def read(folder: Path) -> str:
        published(folder)
        text = (folder / "work" / "releases" / "v0.1.0" / name).read_text(encoding="utf-8")
        # Sizes of Parquet files depend on how they are encoded, not on what they hold.
        return re.sub(r"(num_bytes|download_size|dataset_size): \d+", r"\1: 0", text)

    read.__doc__ = f"{name} of the first release, without the sizes of files."
    return read


RELEASE_FILES = ("README.md", "CHANGELOG.md", "labels.json", "splits.csv", "articles.jsonl", "LICENSE")
for _name in RELEASE_FILES:
    FIGURES[f"release-{_name}"] = _of_release(_name)


@figure("rows.txt")
def rows(folder: Path) -> str:
    """A hash of the rows of each article in each config of the first release, as they are in the Parquet files."""
    published(folder)
    return "".join(_row_hashes(folder / "work" / "releases" / "v0.1.0"))


def _row_hashes(release: Path) -> Iterator[str]:
    import pyarrow.parquet as pq

    for config in ("documents", "sentences", "corrections"):
        for split in ("train", "validation", "test"):
            hashes: dict[str, Any] = {}
            for row in pq.read_table(release / config / f"{split}.parquet").to_pylist():
                text = json.dumps(row, ensure_ascii=False, sort_keys=True, default=str) + "\n"
                hashes.setdefault(row["id"], hashlib.sha256()).update(text.encode())
            yield from (f"{config} {split} {name} {found.hexdigest()}\n" for name, found in hashes.items())


@cache
def published_again(folder: Path) -> dict[str, Any]:
    """The next release: only two of the three annotators count, and what only the engine annotated is in, too."""
    project = lay_out(folder, review='annotators = ["ls-3", "ls-4"]')
    return curation(project, "publish", "--engine-only", "--allow-shrink")


@figure("publish-next.json")
def publish_next(folder: Path) -> str:
    """What the next release changes."""
    printed = published_again(folder)
    manifest = json.loads((Path(printed["release"]["folder"]) / "manifest.json").read_text(encoding="utf-8"))
    return as_json({"printed": printed, "manifest": without(manifest, "files", "software", "columns")}, folder)


@figure("publish-next-CHANGELOG.md")
def changelog_next(folder: Path) -> str:
    """The changelog that goes with it."""
    return (Path(published_again(folder)["release"]["folder"]) / "CHANGELOG.md").read_text(encoding="utf-8")


@figure("diff.json")
def diff(folder: Path) -> str:
    """The difference between the two releases."""
    after = Path(published_again(folder)["release"]["folder"])
    return as_json(curation(folder / "curation.toml", "diff", after.parent / "v0.1.0", after), folder)


def _export(name: str) -> Figure:
    def export(folder: Path) -> str:
        project = lay_out(folder)
        source, out = folder / "work" / "releases" / "v0.1.0", folder / "exported"
        report = curation(project, "export", source, "--format", name, "--out", out)
        files = {
            str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(out.rglob("*"))
            if path.is_file()
        }
        return as_json({"report": without(report, "files"), "files": files}, folder)

    export.__doc__ = f"Counts of an export to {name}, and the hash of each file."
    return export


for _format in FORMATS:
    FIGURES[f"export-{_format}.json"] = _export(_format)


def _schema_text(schema: str, make: Callable[[Any], str]) -> Figure:
    return lambda folder: make(load_schema(ROOT / "schemas" / f"{schema}.yaml"))


for _schema in ("conflict-news", "product-recalls"):
    FIGURES[f"config-{_schema}.xml"] = _schema_text(_schema, labelling_config)
    FIGURES[f"instructions-{_schema}.html"] = _schema_text(_schema, instructions)

FOLDERS = {
    "calibration-file.json": "calibrate.json",
    "publish-next-CHANGELOG.md": "publish-next.json",
    "diff.json": "publish-next.json",
    "rows.txt": "publish.json",
    **{f"release-{name}": "publish.json" for name in RELEASE_FILES},
}
"""Figures that are read from what another one makes; they share its folder."""
