"""What every test may need: the sample project's schema, small articles, and how long randomised suites run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from curation.annotation import Annotation, Annotator, Argument, Entity, Event
from curation.article import Article
from curation.schema import LabelSchema, load_schema

ROOT = Path(__file__).resolve().parent.parent

slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("seeded", derandomize=True, deadline=None, max_examples=60, suppress_health_check=slow)
settings.register_profile("full", deadline=None, max_examples=2000, suppress_health_check=slow)
settings.load_profile("full" if os.environ.get("CURATION_TEST_FULL") else "seeded")


@pytest.fixture(scope="session")
def schema() -> LabelSchema:
    """The label schema of the sample project."""
    return load_schema(ROOT / "schemas" / "conflict-news.yaml")


@pytest.fixture(scope="session")
def trainers() -> Path:
    """The Python that `make trainers` sets up, with torch and with the toolkit itself."""
    python = ROOT / ".venv-trainers" / "bin" / "python"
    if not (python.parents[1] / "installed").exists():
        missing = "no .venv-trainers: run `make trainers` (1 GB, with torch)"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    return python


@pytest.fixture(scope="session")
def recalls() -> LabelSchema:
    """The second schema, of another domain."""
    return load_schema(ROOT / "schemas" / "product-recalls.yaml")


@pytest.fixture
def article() -> Article:
    """A short article with characters beyond the basic plane before its spans."""
    return Article(id="kel-1", text="\U0001f680 Kelmar fires rockets at Torvan rebels.\nThe rebels denied a raid.")


@pytest.fixture
def annotation(article: Article, schema: LabelSchema) -> Annotation:
    """An annotation of `article` with nested spans, attributes, arguments and an event that fills nothing."""

    def at(words: str, nth: int = 0) -> dict[str, int]:
        start = -1
        for _ in range(nth + 1):
            start = article.text.index(words, start + 1)
        return {"start": start, "end": start + len(words)}

    return Annotation(
        id="a" * 24,
        article_id=article.id,
        text_sha256=article.text_sha256,
        schema=schema.ref,
        annotator=Annotator(kind="person", name="ls-1"),
        state="submitted",
        entities=(
            Entity(id="e1", type="GPE", **at("Kelmar")),
            Entity(id="e2", type="Weapon", attributes={"mention": "nominal"}, **at("rockets")),
            Entity(id="e3", type="ArmedGroup", attributes={"mention": "nominal"}, **at("Torvan rebels")),
            Entity(id="e4", type="Nationality", **at("Torvan")),
        ),
        events=(
            Event(
                id="v1",
                type="Attack",
                arguments=(
                    Argument(role="attacker", filler="e1"),
                    Argument(role="instrument", filler="e2"),
                    Argument(role="target", filler="e3"),
                ),
                **at("fires"),
            ),
            Event(id="v2", type="Attack", attributes={"modality": "denied"}, **at("raid")),
        ),
    )
