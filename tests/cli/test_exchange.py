"""`curation export` and `curation import` from outside: every source, every target, and bad input in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from curation.annotation import Annotator, read_annotations
from curation.cli.app import app
from curation.errors import BadInput, ReleaseError
from curation.files import read_jsonl, write_jsonl
from curation.formats.articles import good_articles
from curation.formats.inline_markup import read_folder
from curation.formats.registry import format_named, format_names
from curation.metrics.matching import compare
from curation.schema import LabelSchema, load_schema

ROOT = Path(__file__).resolve().parents[2]
PERSON = Annotator(kind="person", name="3")

GOLD = {
    "kel-1": (
        "[[Kelmar](GPE #e1) troops](ArmedGroup #e2 mention=nominal) "
        "[shelled](Attack #v1 attacker=e2 target=e3 time=e4) [Torvan](GPE #e3) on [Monday](Time #e4).\n"
    ),
    "kel-2": (
        "[Torvan](GPE #e1) [warned](Warning #v1 communicator=e1 recipient=e2 topic=v2) [Kelmar](GPE #e2) against "
        "another [attack](Attack #v2 modality=hypothetical attacker=e2 target=e1).\n"
    ),
    "kel-3": "Nothing was heard of it in [Mirdan](GPE #e1).\n",
}
TEXTS = {
    "kel-1": "Kelmar troops shelled Torvan on Monday.\n",
    "kel-2": "Torvan warned Kelmar against another attack.\n",
    "kel-3": "Nothing was heard of it in Mirdan.\n",
}

Run = Callable[..., Result]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of three articles with inline gold."""
    for name, texts, suffix in (("articles", TEXTS, ".txt"), ("gold", GOLD, ".ann.txt")):
        (tmp_path / name).mkdir()
        for article, text in texts.items():
            (tmp_path / name / f"{article}{suffix}").write_text(text, encoding="utf-8")
    (tmp_path / "curation.toml").write_text(
        f'[project]\nname = "small"\narticles = ["articles"]\n'
        f"schema = {json.dumps(str(ROOT / 'schemas' / 'conflict-news.yaml'))}\n",
        encoding="utf-8",
    )
    return tmp_path


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line, in the project."""
    monkeypatch.chdir(project)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def ok(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, (result.output, result.exception)
    report: dict[str, Any] = json.loads(result.stdout)
    return report


@pytest.fixture
def release(project: Path, schema: LabelSchema) -> Path:
    """A release of the three articles, in more than one split."""
    from curation.release import About, ReviewedArticle, build_release

    articles = {one.id: one for one in good_articles([project / "articles"])}
    said = read_folder(project / "gold", articles.values(), schema, PERSON)
    rows = [ReviewedArticle(articles[one.article_id], one) for one in said]
    about = About(name="small", title="Small", licence="CC0-1.0")
    made = build_release(rows, schema, project / "releases", about=about, split_fractions=(0.4, 0.3, 0.3))
    assert sum(count > 0 for count in made.splits.values()) > 1
    return made.folder


def filled(release: Path) -> dict[str, int]:
    """The splits of a release that have articles, and how many."""
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    return {split: count for split, count in manifest["counts"]["articles"].items() if count}


@pytest.mark.parametrize("name", [name for name in format_names() if format_named(name).imports])
def test_there_and_back(run: Run, project: Path, name: str) -> None:
    out = project / f"out{format_named(name).suffix}"
    went = ok(run("export", "gold", "--format", name, "--out", out, "--json"))
    came = ok(run("import", out, "--format", name, "--out", "back.jsonl", "--json"))
    assert went["articles"] == came["annotations"] == 3
    assert [went[of] for of in ("entities", "events", "arguments")] == [
        came[of] for of in ("entities", "events", "arguments")
    ]
    assert (came["new_articles"], came["findings"], came["lost"]) == (0, 0, {})
    assert {one.article_id for one in read_annotations(project / "back.jsonl")} == set(TEXTS)
    assert not (project / "back.articles.jsonl").exists()


def test_the_loss_is_said(run: Run) -> None:
    result = run("export", "gold", "--format", "conll", "--out", "x.conll")
    assert result.exit_code == 0
    assert "3 articles: 6 entities, 0 events, 0 arguments, in x.conll" in result.stdout
    assert "conll could not hold: 8 arguments, 3 events, 1 nested" in result.stdout
    assert "brat holds all of it" in run("export", "gold", "--format", "brat", "--out", "x").stdout
    report = ok(run("export", "gold", "--format", "conll", "--out", "x.conll", "--triggers", "--json"))
    assert (report["entities"], report["events"]) == (6, 3)
    assert report["lost"] == {"arguments": 8, "nested": 1, "attributes": 2}


def test_fail_leaves_nothing(run: Run, project: Path) -> None:
    before = sorted(project.rglob("*"))
    result = run("export", "gold", "--format", "conll", "--out", "x.conll", "--on-loss", "fail")
    assert isinstance(result.exception, BadInput)
    assert str(result.exception).startswith("x.conll: conll cannot hold 8 arguments, 3 events, 1 nested")
    assert sorted(project.rglob("*")) == before


def test_a_file_of_annotations(run: Run, project: Path, schema: LabelSchema) -> None:
    said = read_folder(project / "gold", good_articles([project / "articles"]), schema, PERSON)
    write_jsonl(project / "said.jsonl", (one.to_json() for one in said))
    report = ok(run("export", "said.jsonl", "--format", "brat", "--out", "x", "--limit", 2, "--json"))
    assert report["articles"] == 2
    assert sorted(path.name for path in (project / "x").glob("*.ann")) == ["kel-1.ann", "kel-2.ann"]


def test_a_release_becomes_a_file_each_split(run: Run, project: Path, release: Path, schema: LabelSchema) -> None:
    splits = filled(release)
    (project / "curation.toml").unlink()  # a release has its own schema
    for _ in range(2):
        report = ok(run("export", release, "--format", "jsonl", "--out", "all", "--json"))
        assert {path.name for path in (project / "all").iterdir()} == {f"{split}.jsonl" for split in splits}
    assert (report["articles"], report["lost"]) == (3, {})
    rows = {row["id"]: row for path in (project / "all").iterdir() for _, row in read_jsonl(path)}
    assert {row["id"]: row["text"] for row in rows.values()} == TEXTS
    # A release spells defaults out, an export knows that their absence says the same.
    assert {one["attributes"]["mention"] for one in rows["kel-1"]["entities"]} == {None, "nominal"}


def test_one_split_of_a_release(run: Run, project: Path, release: Path, schema: LabelSchema) -> None:
    (split, *_) = filled(release)
    report = ok(run("export", release, "--format", "jsonl", "--split", split, "--out", "one.jsonl", "--json"))
    assert report["files"] == ["one.jsonl"]
    ok(run("import", "one.jsonl", "--format", "jsonl", "--out", "back.jsonl", "--json"))
    gold = {
        one.article_id: one
        for one in read_folder(project / "gold", good_articles([project / "articles"]), schema, PERSON)
    }
    back = list(read_annotations(project / "back.jsonl"))
    assert len(back) == report["articles"] == filled(release)[split]
    assert all(compare(gold[one.article_id], one).equal for one in back)
    result = run("export", release, "--format", "jsonl", "--split", "dev", "--out", "one.jsonl")
    assert "has no articles in dev; choose one of" in str(result.exception)


def with_a_new_type(project: Path, schema: LabelSchema) -> LabelSchema:
    """The schema with one more entity type in the middle, which the project uses from now on."""
    record = schema.model_dump(mode="json")
    record["version"] = "1.1.0"
    record["entity_types"].insert(1, {"name": "Ship", "definition": "A ship.", "hotkey": None, "colour": "#123456"})
    (project / "new.yaml").write_text(json.dumps(record), encoding="utf-8")
    settings = (project / "curation.toml").read_text(encoding="utf-8")
    (project / "curation.toml").write_text(
        settings.rpartition("\nschema")[0] + '\nschema = "new.yaml"\n', encoding="utf-8"
    )
    return load_schema(project / "new.yaml")


def test_codes_of_hf_ner_stay_where_a_type_is_added(
    run: Run, project: Path, release: Path, schema: LabelSchema
) -> None:
    from curation.release import About, ReviewedArticle, build_release

    def names(source: Path | str, out: str) -> list[str]:
        ok(run("export", source, "--format", "hf-ner", "--out", out, "--triggers", "--json"))
        path = project / out
        file = path if path.is_file() else next(path.glob("*.parquet"))
        found: list[str] = datasets.Features.from_arrow_schema(pq.read_schema(file))["ner_tags"].feature.names
        return found

    first = names(release, "one")
    assert first[1:] == [f"{mark}-{name}" for name in (*schema.entity_names, *schema.event_names) for mark in "BI"]
    now = with_a_new_type(project, schema)
    assert names("gold", "before.parquet")[: len(first)] != first, "no release in the project's folder to follow"
    (project / "work").mkdir()
    (project / "releases").rename(project / "work" / "releases")
    release = project / "work" / "releases" / release.name
    expected = [*first, "B-Ship", "I-Ship"]
    assert names("gold", "gold.parquet") == expected
    articles = {one.id: one for one in good_articles([project / "articles"])}
    said = read_folder(project / "gold", articles.values(), now, PERSON)
    rows = [ReviewedArticle(articles[one.article_id], one) for one in said]
    about = About(name="small", title="Small", licence="CC0-1.0")
    made = build_release(rows, now, release.parent, about=about, previous=release)
    assert names(made.folder, "two") == expected


def test_a_release_that_is_broken(run: Run, release: Path) -> None:
    for path in (release / "documents").iterdir():
        path.write_bytes(b"PAR1")
    result = run("export", release, "--format", "jsonl", "--out", "all")
    assert isinstance(result.exception, ReleaseError)
    assert not Path("all").exists()


def test_labels_of_another_ontology(run: Run, project: Path) -> None:
    words = ["Orvan", "soldiers", "shelled", "Torvan", "."]
    row = {
        "doc_id": "orv-1",
        "tokens": words,
        "sentence": "Orvan soldiers shelled Torvan.",
        "entity_mentions": [
            {"id": "m0", "entity_type": "PER", "mention_type": "NOM", "start": 1, "end": 2},
            {"id": "m1", "entity_type": "GPE", "mention_type": "NAM", "start": 3, "end": 4},
            {"id": "m2", "entity_type": "Crime", "mention_type": "NAM", "start": 4, "end": 5},
        ],
        "event_mentions": [
            {
                "id": "v0",
                "event_type": "Conflict:Attack",
                "trigger": {"start": 2, "end": 3},
                "arguments": [{"entity_id": one, "role": role} for one, role in (("m0", "Attacker"), ("m1", "Target"))],
            }
        ],
    }
    write_jsonl(project / "ace.jsonl", [json.dumps(row)])
    command = ("import", "ace.jsonl", "--format", "oneie", "--out", "ours.jsonl", "--annotator", "ace", "--json")
    kept = ok(run(*command))
    (as_is,) = read_annotations(project / "ours.jsonl")
    assert [one.type for one in as_is.items()] == ["PER", "GPE", "Crime", "Conflict:Attack"]
    assert as_is.schema_ref == "oneie@1.0.0"
    assert kept["findings"] == 1 + 3 - 1 + 1  # another schema, PER, Crime and the event type
    report = ok(run(*command, "--mapping", "ace2005"))
    assert report["lost"] == {"entities without a name of ours": 1}
    assert (report["findings"], report["new_articles"]) == (0, 1)
    (ours,) = read_annotations(project / "ours.jsonl")
    assert [one.type for one in ours.items()] == ["Person", "GPE", "Attack"]
    assert [one.role for one in ours.events[0].arguments] == ["attacker", "target"]
    assert ours.entities[0].attributes == {"mention": "nominal"}
    assert ours.annotator.key == "person:ace"
    (article,) = good_articles([project / "ours.articles.jsonl"])
    assert (article.id, article.text) == ("orv-1", "Orvan soldiers shelled Torvan.")
    result = run(*command, "--mapping", "birds")
    assert "names nothing in 'birds'; choose one of" in str(result.exception)


def conll(*documents: str) -> str:
    return "".join(f"-DOCSTART- O\n\n{document}\n\n" for document in documents)


def test_bad_documents_are_left_out_where_asked_and_counted(run: Run, project: Path) -> None:
    good = [f"Karsk B-GPE\nfell O\nday O\n{number} O" for number in range(30)]
    bad = ["Torvan B-GPE\nfell"] * 25
    (project / "x.conll").write_text(conll(*good[:15], *bad, *good[15:]), encoding="utf-8")
    before = sorted(project.rglob("*"))
    result = run("import", "x.conll", "--format", "conll", "--out", "back.jsonl")
    assert isinstance(result.exception, BadInput)
    message = str(result.exception)
    assert message.startswith("x.conll:109: has one column (25 of 55 documents cannot be used); ")
    assert message.endswith("or leave out such documents with --skip-bad")
    assert sorted(project.rglob("*")) == before
    result = run("import", "x.conll", "--format", "conll", "--out", "back.jsonl", "--skip-bad")
    assert result.exit_code == 3
    assert result.stderr.count("has one column") == 20
    assert "and 5 more like these" in result.stderr
    assert "25 of 55 documents cannot be used and were left out" in result.stderr
    assert len(list(read_annotations(project / "back.jsonl"))) == 30
    report = json.loads(
        run("import", "x.conll", "--format", "conll", "--out", "b.jsonl", "--skip-bad", "--json").stdout
    )
    assert (report["annotations"], report["bad"], len(report["bad_documents"])) == (30, 25, 20)


def test_what_does_not_fit_is_a_table_of_kinds(run: Run, project: Path) -> None:
    words = [f"Karsk B-{label}" for label in ("PER", "PER", "LOC", "GPE") * 500]
    (project / "x.conll").write_text(conll("\n".join(words)), encoding="utf-8")
    result = run("import", "x.conll", "--format", "conll", "--out", "back.jsonl")
    assert result.exit_code == 0
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert any(row.startswith("entity type PER is not in") and row.endswith(" 1000") for row in rows)
    assert any(row.startswith("entity type LOC is not in") and row.endswith(" 500") for row in rows)
    assert len(rows) + len(result.stderr.splitlines()) < 12


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("export", "gold", "--format", "csv", "--out", "x"), "there is no format csv; choose one of brat"),
        (("export", "nowhere", "--format", "conll", "--out", "x"), "nowhere"),
        (("export", "gold", "--format", "conll", "--out", "x", "--split", "train"), "only a release has splits"),
        (("export", "articles", "--format", "conll", "--out", "x"), "no annotated article to export"),
        (("export", "gold", "--format", "brat", "--out", "articles"), "holds something else than an earlier export"),
        (("import", "nowhere", "--format", "conll", "--out", "x"), "nowhere: cannot be read"),
        (("import", "empty", "--format", "jsonl", "--out", "articles/kel-1.txt"), "empty: holds no document"),
    ],
)
def test_bad_input(run: Run, project: Path, words: tuple[str, ...], message: str) -> None:
    (project / "empty").touch()
    before = {path: path.is_file() and path.read_bytes() for path in project.rglob("*")}
    result = run(*words)
    assert isinstance(result.exception, BadInput)
    assert message in str(result.exception)
    assert {path: path.is_file() and path.read_bytes() for path in project.rglob("*")} == before


def test_the_help_names_every_format(run: Run) -> None:
    for command in ("export", "import"):
        said = " ".join(run(command, "--help").stdout.split())
        assert all(name in said for name in format_names())
