"""The frozen project: a work folder as it was when the golden files were made, laid out anew for each test run.

`frozen/` holds what a demo run left behind: a snapshot as `pull` wrote it, the ledger and the predictions that were
sent, a release made from that snapshot, a calibration file, and gold in the labels of another ontology. Articles, gold
and schemas are read from the repository.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from curation.cli.app import app

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FROZEN = HERE / "frozen"
SNAPSHOT = "20261201T150351Z-3818a7a5"
PSEUDONYM_KEY = hashlib.sha256(b"the frozen project of tests/golden").hexdigest()
"""The fixed key under which the frozen release names its annotators. It protects nobody: they are programs."""


def lay_out(root: Path, *, release: bool = True, review: str = "") -> Path:
    """Write the frozen project to `root`, and return its curation.toml.

    `release` says whether v0.1.0 is already there, `review` is further text of the `[review]` section. The frozen
    release is from the time when the latest submission counted where people differ, so that is what it asks for.
    """
    work = root / "work"
    snapshot = work / "snapshots" / SNAPSHOT
    shutil.copytree(FROZEN / "snapshot", snapshot)
    unpack(snapshot / "annotations.jsonl.gz", snapshot / "annotations.jsonl")
    (snapshot / "annotations.jsonl.gz").unlink()
    (work / "labelstudio").mkdir()
    shutil.copy(FROZEN / "ledger.sqlite", work / "labelstudio")
    unpack(FROZEN / "sent.jsonl.gz", work / "labelstudio" / "sent.jsonl")
    unpack(FROZEN / "sent.jsonl.gz", work / "preannotations" / "spacy.jsonl")
    (work / "pseudonyms.key").write_text(PSEUDONYM_KEY + "\n")
    (work / "pseudonyms.key").chmod(0o600)
    second_engine(work / "preannotations" / "spacy.jsonl", work / "preannotations" / "second.jsonl")
    if release:
        shutil.copytree(FROZEN / "v0.1.0", work / "releases" / "v0.1.0")
    settings = (ROOT / "curation.toml").read_text(encoding="utf-8")
    for name in ("corpus/articles", "corpus/gold", "schemas/conflict-news.yaml"):
        settings = settings.replace(f'"{name}"', json.dumps(str(ROOT / name)))
    before, heading, _ = settings.partition("[review]")
    (root / "curation.toml").write_text(f'{before}{heading}\nundecided = "latest"\n{review}\n', encoding="utf-8")
    return root / "curation.toml"


def unpack(packed: Path, out: Path) -> None:
    """Decompress a gzip file."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(gzip.decompress(packed.read_bytes()))


def second_engine(first: Path, out: Path) -> None:
    """Write predictions of an engine that is worse than `first`: it misses every 7th entity and every 5th event."""
    with out.open("w", encoding="utf-8") as file:
        for line in first.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            record["id"] = hashlib.sha256(record["id"].encode()).hexdigest()[:24]
            record["annotator"] = {"kind": "engine", "name": "second", "version": "1.0.0"}
            record["entities"] = [one for number, one in enumerate(record["entities"], 1) if number % 7]
            record["events"] = [one for number, one in enumerate(record["events"], 1) if number % 5]
            left = {item["id"] for item in (*record["entities"], *record["events"])}
            for event in record["events"]:
                event["arguments"] = [one for one in event["arguments"] if one["filler"] in left]
            file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")


def curation(project: Path, *words: str | Path) -> dict[str, Any]:
    """Run a command of the frozen project with --json, without the caller's own settings; what it printed."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("CURATION_", "LABEL_STUDIO", "HF_"))}
    for name in kept:
        del os.environ[name]
    try:
        place = [] if words[0] == "verify" else ["--project", str(project)]
        result = CliRunner().invoke(app, [*map(str, words), *place, "--json"])
    finally:
        os.environ.update(kept)
    if isinstance(result.exception, Exception):
        raise result.exception
    assert result.exit_code == 0, f"curation {' '.join(map(str, words))}: {result.exit_code}\n{result.output}"
    printed: dict[str, Any] = json.loads(result.stdout)
    return printed
