"""A project with a snapshot made by hand, for jobs that read what people submitted."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from curation.annotation import Annotation
from curation.article import Article
from curation.files import write_jsonl
from curation.labelstudio.ledger import Ledger, Planned
from curation.labelstudio.snapshot import MANIFEST
from curation.project import Project

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

CREATED = "2031-03-01T00:00:00Z"
SCHEMA = Path(__file__).resolve().parents[2] / "schemas" / "conflict-news.yaml"
MakeProject = Callable[..., Project]


@pytest.fixture
def project_of(tmp_path: Path) -> MakeProject:
    """A function of articles, annotations, predictions and ids of annotations made in review: the project's folder."""

    def make(
        articles: Iterable[Article],
        annotations: Iterable[Annotation],
        sent: Iterable[Annotation] = (),
        reviews: Iterable[str] = (),
    ) -> Project:
        (tmp_path / "curation.toml").write_text(
            f'[project]\nname = "made"\narticles = ["*.txt"]\nschema = "{SCHEMA}"\n'
        )
        project = Project.open(tmp_path / "curation.toml")
        folder = project.work / "snapshots" / "20310302T000000Z"
        revisions = sorted(articles, key=lambda article: article.id)
        made = sorted(annotations, key=lambda one: one.article_id)
        write_jsonl(folder / "articles.jsonl", [one.to_json() for one in revisions])
        write_jsonl(folder / "annotations.jsonl", [one.to_json() for one in made])
        task = {"task": 1, "article_id": None, "text_sha256": None, "purpose": "adjudicate", "batch": None}
        state = {"state": "submitted", "drafts": 0, "updated_at": None, "predictions": [], "url": "http://x"}
        write_jsonl(folder / "tasks.jsonl", [json.dumps({**task, **state, "annotations": list(reviews)})])
        held = {"counts": {}, "findings": {}, "files": {}, "content": "0" * 64, "project_created_at": CREATED}
        about = {"time": CREATED, "url": "http://x", "project_id": 1, "project_title": "made"}
        schema = project.load_schema()
        (folder / MANIFEST).write_text(json.dumps({**about, **held, "schema": schema.ref}))
        with Ledger(project.work) as ledger:
            known = ledger.remember_project("http://x", 1, "made", schema.ref, CREATED, "<View/>")
            predictions = list(sent)
            ledger.record_sent(one.to_json() for one in predictions)
            ledger.begin_import(
                known,
                "batch",
                [Planned(one.article_id, one.text_sha256, "annotate", one.id, "x@1", "d") for one in predictions],
            )
        return project

    return make
