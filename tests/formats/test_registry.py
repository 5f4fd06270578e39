"""What goes out in any format and comes back equals what went in, minus exactly the stated loss."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.annotation import Annotation, Annotator, Argument, Entity, Event
from curation.article import Article
from curation.errors import BadInput
from curation.formats.article_lookup import ArticleLookup
from curation.formats.format_loss import Loss, OnLoss, reduce_to, without_defaults
from curation.formats.registry import (
    Document,
    ExportContext,
    Format,
    ImportContext,
    Pair,
    format_named,
    format_names,
    read_as,
    write_as,
)
from curation.jobs.options import FormatName, Option
from curation.metrics.matching import ArgumentKey, compare
from curation.schema import LabelSchema, load_schema

SCHEMA = load_schema(Path(__file__).resolve().parents[2] / "schemas" / "conflict-news.yaml")
PERSON = Annotator(kind="person", name="3")
BUILT_IN = format_names()
IMPORTED = [name for name in BUILT_IN if format_named(name).imports]
ROOT = Path(__file__).resolve().parents[2]

ITEMS = ("events", "mid-token", "cross-sentence", "nested", "overlapping", "same-span", "blank")
ARGUMENTS = ("arguments", "event-fillers", "cross-sentence-arguments")

PIECES = (
    *("Karsk", "pro-Mirdan", "U.S.", "won't", "3.5", "Gen.", "said", "of", "troops", "a_b", "x@karsk.example"),
    *("www.karsk.example/a", "naïve", "e\u0301te\u0301", "\U0001f680", "\u202f", "كارسك", "\u200b", "-DOCSTART-"),
    *(
        ".",
        "!",
        "?",
        "…",
        ",",
        "“",
        "”",
        "(",
        ")",
        "[",
        "\\",
        "\t",
        " ",
        " ",
        " ",
        "  ",
        "\n",
        "\n\n",
        "\u2028",
        "\x85",
    ),
)


@st.composite
def pairs(draw: st.DrawFn, name: str = "kar-1") -> Pair:
    """An article with every kind of thing in it, whether or not it makes sense."""
    made = "".join(draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=25)))
    text = made if made.strip() else f"{made}a"
    border = st.integers(0, len(text))
    spans = st.tuples(border, border).filter(lambda span: span[0] != span[1]).map(sorted)
    scores = st.one_of(st.none(), st.sampled_from((0.25, 1.0)))
    mentions = st.sampled_from(({}, {"mention": "nominal"}, {"mention": "pronoun"}, {"mention": "name"}))
    modalities = st.sampled_from(({}, {"modality": "planned"}, {"modality": "asserted"}))
    types, events = st.sampled_from(SCHEMA.entity_names[:3]), st.sampled_from(SCHEMA.event_names[:3])
    # Span and type identify an item: two alike could not be counted apart.
    entities = draw(st.lists(st.tuples(spans, types, mentions, scores), max_size=6, unique_by=lambda one: str(one[:2])))
    triggers = draw(
        st.lists(st.tuples(spans, events, modalities, scores), max_size=4, unique_by=lambda one: str(one[:2]))
    )
    ids = [*(f"e{i}" for i in range(len(entities))), *(f"v{i}" for i in range(len(triggers)))]
    roles = st.sampled_from(("attacker", "target", "cause"))
    made_events = []
    for i, ((start, end), label, attributes, score) in enumerate(triggers):
        others = [one for one in ids if one != f"v{i}"]
        pairs = st.tuples(roles, st.sampled_from(others), scores) if others else st.nothing()
        arguments = draw(st.lists(pairs, max_size=4, unique_by=lambda one: one[:2])) if others else []
        made_events.append(
            Event(
                id=f"v{i}",
                start=start,
                end=end,
                type=label,
                attributes=attributes,
                score=score,
                arguments=tuple(Argument(role=role, filler=filler, score=sure) for role, filler, sure in arguments),
            )
        )
    article = Article(id=name, text=text)
    return article, Annotation(
        id="a1",
        article_id=name,
        text_sha256=article.text_sha256,
        schema=SCHEMA.ref,
        annotator=PERSON,
        state="reviewed",
        entities=tuple(
            Entity(id=f"e{i}", start=start, end=end, type=label, attributes=attributes, score=score)
            for i, ((start, end), label, attributes, score) in enumerate(entities)
        ),
        events=tuple(made_events),
    )


def intake(name: str, known: list[Pair] | None = None, schema: LabelSchema = SCHEMA) -> ImportContext:
    return ImportContext(name, schema, ArticleLookup(article for article, _ in known or []), PERSON)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exchange")


def place(folder: Path, name: str) -> Path:
    return folder / f"out-{name}{format_named(name).suffix}"


@pytest.mark.parametrize("name", IMPORTED)
@given(documents=st.tuples(pairs("kar-1"), pairs("kar/2")).map(list), triggers=st.booleans())
def test_what_comes_back_is_what_went_out_minus_the_stated_loss(
    folder: Path, name: str, triggers: bool, documents: list[Pair]
) -> None:
    target = place(folder, name)
    written = write_as(name, documents, target, SCHEMA, triggers=triggers)
    lost = written.lost.counts
    taken = intake(name, documents)
    back = {article.id: (article, came) for article, came in read_as(target, taken)}
    assert not taken.lost
    assert [back[article.id][0] for article, _ in documents] == [article for article, _ in documents]
    found: Counter[str] = Counter()
    for article, went in documents:
        went, came = without_defaults(went, SCHEMA), back[article.id][1]
        difference = compare(went, came)
        same = [pair for pair in (*difference.entities, *difference.events) if pair.kind == "same"]
        gone = [pair for pair in (*difference.entities, *difference.events) if pair.kind == "missed"]
        assert len(same) + len(gone) == len(difference.entities) + len(difference.events)
        assert not difference.arguments_spurious
        found["items"] += len(gone)
        found["arguments"] += len(difference.arguments_missed)
        for pair in same:
            assert pair.reference is not None and pair.other is not None
            assert pair.other.attributes.items() <= pair.reference.attributes.items()
            found["attributes"] += len(pair.reference.attributes) - len(pair.other.attributes)
            found["scores"] += pair.reference.score != pair.other.score
        scores = dict(_scores(came))
        found["scores"] += sum(key in scores and scores[key] != score for key, score in _scores(went))
    assert found["items"] == sum(lost[kind] for kind in ITEMS)
    assert found["arguments"] == sum(lost[kind] for kind in ARGUMENTS)
    assert found["attributes"] == lost["attributes"]
    assert found["scores"] == lost["scores"]
    assert lost.total() == found.total()


@pytest.mark.parametrize("name", IMPORTED)
@settings(max_examples=settings().max_examples // 3)
@given(documents=st.tuples(pairs("kar-1")).map(list))
def test_snapped_spans_come_back_as_they_were_snapped(folder: Path, name: str, documents: list[Pair]) -> None:
    target, format = place(folder, name), format_named(name)
    ((article, went),) = documents
    written = write_as(name, documents, target, SCHEMA, on_loss="snap")
    lost = Loss()
    tokens = format.tokenise(article, SCHEMA)
    within = None if format.capabilities.unit == "characters" else tokens
    kept = reduce_to(article, without_defaults(went, SCHEMA), format.capabilities, within, "snap", lost)
    ((_, came),) = read_as(target, intake(name, documents))
    assert compare(kept, came).equal
    assert lost == written.lost
    ours = {item.id: item for item in went.items()}
    moved = [item for item in kept.items() if (item.start, item.end) != (ours[item.id].start, ours[item.id].end)]
    if format.capabilities.overlap == "any":
        assert len(moved) == lost.counts["snapped"]
    for item in moved:
        assert article.text[item.start : item.end].strip() == article.text[item.start : item.end]
        assert item.start < ours[item.id].end and ours[item.id].start < item.end


@pytest.mark.parametrize("name", IMPORTED)
@settings(max_examples=settings().max_examples // 3)
@given(documents=st.tuples(pairs("kar-1"), pairs("kar/2")).map(list))
def test_articles_that_are_not_known_are_made_from_what_the_file_holds(
    folder: Path, name: str, documents: list[Pair]
) -> None:
    target = place(folder, name)
    written = write_as(name, documents, target, SCHEMA)
    back = list(read_as(target, intake(name)))
    assert sum(len(came.entities) for _, came in back) == written.entities
    assert sum(len(event.arguments) for _, came in back for event in came.events) == written.arguments
    texts = sorted("".join(article.text.split()) for article, _ in documents)
    assert sorted("".join(article.text.split()) for article, _ in back) == texts
    # GLiNER's words are made anew, and those of a text put together from words can be others.
    if name != "gliner":
        assert write_as(name, back, target, SCHEMA).entities == written.entities


@pytest.mark.parametrize("name", IMPORTED)
def test_the_sample_corpus_comes_back(folder: Path, name: str, article: Article, annotation: Annotation) -> None:
    target = place(folder, name)
    written = write_as(name, [(article, annotation)], target, SCHEMA)
    ((_, came),) = read_as(target, intake(name, [(article, annotation)]))
    assert (len(came.entities), len(came.events)) == (written.entities, written.events)
    assert came.schema_ref == SCHEMA.ref


@pytest.mark.parametrize("on_loss", ["drop", "snap"])
def test_each_kind_of_loss_is_counted_once(on_loss: OnLoss, folder: Path) -> None:
    text = "Karsk-backed troops left. Rebels of Torvan shelled Mirdan Port."

    def at(words: str) -> dict[str, int]:
        return {"start": text.index(words), "end": text.index(words) + len(words)}

    article = Article(id="kar-1", text=text)
    entities = (
        Entity(id="e1", type="ArmedGroup", **at("Karsk-backed troops"), attributes={"mention": "nominal"}),
        Entity(id="e2", type="GPE", **at("Karsk")),
        Entity(id="e3", type="GPE", **at("arsk")),
        Entity(id="e4", type="GPE", **at("left. Rebels")),
        Entity(id="e5", type="ArmedGroup", **at("Rebels of Torvan"), score=0.5),
        Entity(id="e6", type="GPE", **at("Torvan shelled Mirdan")),
        Entity(id="e7", type="Location", **at("Mirdan Port")),
        Entity(id="e8", type="Facility", **at("Mirdan Port")),
    )
    arguments = (("attacker", "e5"), ("target", "e7"), ("attacker", "e1"), ("target", "e3"))
    events = (
        Event(id="v1", type="Withdrawal", **at("left"), attributes={"modality": "denied"}),
        Event(
            id="v2",
            type="Attack",
            **at("shelled"),
            arguments=(
                *(Argument(role=role, filler=one) for role, one in arguments),
                Argument(role="target", filler="v1"),
            ),
        ),
    )
    annotation = Annotation(
        id="a1",
        article_id="kar-1",
        text_sha256=article.text_sha256,
        schema=SCHEMA.ref,
        annotator=PERSON,
        entities=entities,
        events=events,
    )

    def lost(name: str) -> dict[str, int]:
        return dict(write_as(name, [(article, annotation)], place(folder, name), SCHEMA, on_loss=on_loss).lost.counts)

    snap = on_loss == "snap"
    mid = {"snapped": 1} if snap else {"mid-token": 1}
    no_events = {"events": 2, "arguments": 5, "scores": 1}
    assert lost("jsonl") == {}
    assert lost("brat") == {"scores": 1}
    assert lost("spancat") == no_events | mid | {"attributes": 1}
    # From the left: e1 holds e2 (and e3 where it was snapped), e4 crosses e5, e6 crosses e7 and e8.
    flat = {"events": 2, "arguments": 5, "attributes": 1} | mid
    assert lost("spacy") == flat | {"nested": 1 + snap, "overlapping": 3}
    # Without e4, which is of two sentences: e5 crosses e6, e7 has the span of e8.
    within = flat | {"nested": 2 + snap, "overlapping": 1, "scores": 1, "cross-sentence": 1}
    assert lost("conll") == lost("hf-ner") == within
    # GLiNER's words keep a hyphen inside
    hyphen = {"snapped": 2} if snap else {"mid-token": 2}
    assert lost("gliner") == no_events | hyphen | {"attributes": 1, "cross-sentence": 1, "same-span": 1 + snap}
    assert lost("oneie") == mid | {
        "attributes": 1,
        "cross-sentence": 1,
        "scores": 1,
        "cross-sentence-arguments": 1 + snap,
        "event-fillers": 1,
        **({} if snap else {"arguments": 1}),
    }
    assert lost("wikievents") == mid | {
        "attributes": 2,
        "cross-sentence": 1,
        "scores": 1,
        "event-fillers": 1,
        **({} if snap else {"arguments": 1}),
    }


@pytest.mark.parametrize("name", [name for name in format_names() if name not in ("jsonl", "brat")])
def test_fail_writes_nothing(tmp_path: Path, name: str, article: Article, annotation: Annotation) -> None:
    target = tmp_path / "out"
    with pytest.raises(BadInput, match=rf"{name} cannot hold .*; choose --on-loss"):
        write_as(name, [(article, annotation)], target, SCHEMA, on_loss="fail")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", format_names())
def test_what_stood_there_stays_when_the_source_fails(
    tmp_path: Path, name: str, article: Article, annotation: Annotation
) -> None:
    target = tmp_path / "out"
    write_as(name, [(article, annotation)], target, SCHEMA)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def broken() -> Iterator[Pair]:
        yield article.model_copy(update={"id": "kel-2"}), annotation
        raise BadInput("the disk is full")

    with pytest.raises(BadInput, match="the disk is full"):
        write_as(name, broken(), target, SCHEMA)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_help_and_docs_name_every_format() -> None:
    (option,) = (part for part in FormatName.__metadata__ if isinstance(part, Option))
    listed = set(re.findall(r"[a-z0-9-]+", option.help.partition(", or another")[0]))
    tables = {}
    for page in ("training", "formats"):
        cells = re.findall(r"^\| (`.*?`) \|", (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"), re.MULTILINE)
        tables[page] = {name for cell in cells for name in re.findall(r"`([a-z0-9-]+)`", cell)}
    assert set(BUILT_IN) == listed
    assert set(BUILT_IN) <= tables["training"]
    assert set(IMPORTED) <= tables["formats"]


def test_a_format_that_can_only_be_exported() -> None:
    class Sink(Format):
        def write(self, documents: Iterable[Document], target: Path, context: ExportContext) -> None:
            target.touch()

    assert not Sink().imports
    with pytest.raises(BadInput, match=r"a\.txt: sink can only be exported"):
        Sink().read(Path("a.txt"), intake("sink"))


def test_there_is_no_such_format() -> None:
    with pytest.raises(BadInput, match="there is no format csv; choose one of brat, conll, "):
        format_named("csv")


def test_two_documents_of_one_article(tmp_path: Path, article: Article, annotation: Annotation) -> None:
    target = tmp_path / "twice.jsonl"
    write_as("jsonl", [(article, annotation)] * 2, target, SCHEMA)
    with pytest.raises(BadInput, match=r"twice\.jsonl: article kel-1 is duplicated"):
        list(read_as(target, intake("jsonl")))


def test_another_text_under_a_known_id(tmp_path: Path, article: Article, annotation: Annotation) -> None:
    other = Article(id=article.id, text="Nothing of the kind.")
    for name in set(IMPORTED) - {"conll"}:  # which has no ids
        write_as(name, [(article, annotation)], tmp_path / name, SCHEMA)
        with pytest.raises(BadInput, match=f"is not the text of the article {article.id}"):
            list(read_as(tmp_path / name, ImportContext(name, SCHEMA, ArticleLookup([other]), PERSON)))


def test_jsonl_brings_everything_back(tmp_path: Path, article: Article, annotation: Annotation) -> None:
    full = article.model_copy(update={"title": "On rockets", "licence": "CC0-1.0", "metadata": {"desk": "north"}})
    write_as("jsonl", [(full, annotation)], tmp_path / "all.jsonl", SCHEMA)
    ((came_article, came),) = read_as(tmp_path / "all.jsonl", intake("jsonl"))
    assert came_article == full
    assert came == without_defaults(annotation, SCHEMA)


def _scores(annotation: Annotation) -> Iterator[tuple[ArgumentKey, float | None]]:
    spans = {item.id: (item.start, item.end, item.type) for item in annotation.items()}
    for event in annotation.events:
        for argument in event.arguments:
            yield ArgumentKey(spans[event.id], argument.role, spans[argument.filler]), argument.score


DOCS = Path(__file__).resolve().parents[2] / "docs" / "formats.md"


def install(folder: Path, module: str, code: str, **formats: str) -> None:
    """Put a package into `folder` whose entry points name formats, as pip does."""
    (folder / f"{module}.py").write_text(code, encoding="utf-8")
    about = folder / f"{module}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n", encoding="utf-8")
    points = "".join(f"{name} = {target}\n" for name, target in formats.items())
    (about / "entry_points.txt").write_text(f"[curation.formats]\n{points}", encoding="utf-8")


def test_the_example_of_the_docs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, article: Article, annotation: Annotation
) -> None:
    page = DOCS.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert re.findall(r"^(?:from|import) (curation\S*)", code, re.MULTILINE) == ["curation"], "no internal import"
    (registered,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    ((name, target),) = tomllib.loads(registered)["project"]["entry-points"]["curation.formats"].items()
    install(tmp_path, "my_package", code, **{name: target}, jsonl=target, none="my_package:Record", gone="my_package:X")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert {name, *BUILT_IN} <= set(format_names())
    assert type(format_named("jsonl")).__module__ == "curation.formats.jsonl", "no package replaces a format of ours"
    path = tmp_path / "out.jsonl"
    written = write_as(name, [(article, annotation)], path, SCHEMA, triggers=True)
    assert written.lost.counts == {"arguments": 3, "attributes": 3, "nested": 1}
    ((back, came),) = read_as(path, intake(name, [(article, annotation)]))
    assert (back, len(came.entities), len(came.events)) == (article, written.entities, written.events)
    path.write_text('{"text": "Karsk", "labels": [[0, 5, "GPE"]]}\n{"text": "x"}\n', encoding="utf-8")
    bad: list[BadInput] = []
    ((back, came),) = read_as(path, intake(name), bad.append)
    assert (back.id, len(came.entities)) == ("out-1", 1)
    assert len(bad) == 1 and "out.jsonl:2: labels: Field required" in str(bad[0])
    with pytest.raises(BadInput, match=r"none is no subclass of curation\.Format"):
        format_named("none")
    with pytest.raises(BadInput, match="gone cannot be loaded"):
        format_named("gone")
