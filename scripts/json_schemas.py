"""Write the JSON Schemas of our file formats into schemas/, from the models. --check only reports outdated files.

To add a format, add it to FORMATS, run this and commit the file that it writes.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from curation.annotation import Annotation
from curation.article import Article, Sha256
from curation.engines.ensemble_votes import Ensemble
from curation.engines.rules.lexicon import Lexicon, Weights
from curation.files import whole_file
from curation.labelstudio.snapshot import Manifest as Snapshot
from curation.labelstudio.snapshot import TaskLine
from curation.metrics.conventions import Conventions
from curation.metrics.score_calibration import ScoreCalibration
from curation.release.manifest import ArticleRecord
from curation.release.manifest import Manifest as Release
from curation.schema import LabelSchema
from curation.settings import File

FOLDER = Path(__file__).resolve().parent.parent / "schemas"
FORMATS: dict[str, type[BaseModel]] = {
    "article": Article,
    "annotation": Annotation,
    "label-schema": LabelSchema,
    "lexicon": Lexicon,
    "weights": Weights,
    "confidence": ScoreCalibration,
    "mapping": Conventions,
    "ensemble": Ensemble,
    "project": File,
    "snapshot": Snapshot,
    "snapshot-task": TaskLine,
    "release": Release,
    "release-article": ArticleRecord,
}


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a file format."""
    schema = model.model_json_schema(by_alias=True, mode="validation")
    if model is Article:  # a line also has the hash, which the model computes
        schema["properties"]["text_sha256"] = TypeAdapter(Sha256).json_schema() | {"title": "Text Sha256"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


def contents() -> dict[str, str]:
    """File name → content, the same text every time."""
    return {
        f"{name}.schema.json": json.dumps(json_schema(model), indent=2, ensure_ascii=False) + "\n"
        for name, model in FORMATS.items()
    }


def main(arguments: list[str] | None = None) -> int:
    """Write or check the files. Returns 1 if --check finds a missing or outdated file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help="the folder (default: schemas/)")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is outdated")
    options = parser.parse_args(arguments)
    stale = []
    for name, text in contents().items():
        path = options.folder / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not options.check:
            with whole_file(path) as file:
                file.write(text)
    if stale and options.check:
        print(f"outdated: {', '.join(stale)}; run python scripts/json_schemas.py", file=sys.stderr)
        return 1
    print(f"{len(stale)} of {len(FORMATS)} written" if stale else "all up to date", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
