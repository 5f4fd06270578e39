"""The files as their own libraries read them, and files by others as we do. (What needs torch: test_training.py.)"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.annotation import Annotation, Annotator
from curation.article import Article
from curation.errors import BadInput
from curation.formats.article_lookup import ArticleLookup
from curation.formats.articles import good_articles
from curation.formats.hf_ner import features
from curation.formats.inline_markup import read_folder
from curation.formats.registry import ImportContext, Pair, format_names, read_as, write_as
from curation.schema import LabelSchema, load_schema

ROOT = Path(__file__).resolve().parents[2]
PERSON = Annotator(kind="person", name="3")


@pytest.fixture(scope="module")
def gold() -> list[Pair]:
    """The gold of the sample corpus."""
    schema = load_schema(ROOT / "schemas" / "conflict-news.yaml")
    articles = {one.id: one for one in good_articles([ROOT / "corpus" / "articles"])}
    annotations = read_folder(ROOT / "corpus" / "gold", articles.values(), schema, PERSON)
    return [(articles[one.article_id], one) for one in annotations]


def intake(name: str, schema: LabelSchema, *known: Article) -> ImportContext:
    return ImportContext(name, schema, ArticleLookup(known), PERSON)


def test_datasets_loads_hf_ner(tmp_path: Path, schema: LabelSchema, gold: list[Pair], datasets_cache: None) -> None:
    from datasets import load_dataset

    written = write_as("hf-ner", gold, tmp_path / "train.parquet", schema)
    rows = load_dataset(str(tmp_path))["train"]
    names = rows.features["ner_tags"].feature.names
    assert names[:3] == ["O", f"B-{schema.entity_names[0]}", f"I-{schema.entity_names[0]}"]
    begun = [names[code] for row in rows["ner_tags"] for code in row if names[code].startswith("B-")]
    assert len(begun) == written.entities
    texts = {article.id: article.text for article, _ in gold}
    for row in rows:
        text = texts[row["article_id"]]
        assert row["tokens"] == [text[start:end] for start, end in zip(row["starts"], row["ends"], strict=True)]


def test_datasets_loads_jsonl(tmp_path: Path, schema: LabelSchema, gold: list[Pair], datasets_cache: None) -> None:
    from datasets import load_dataset

    write_as("jsonl", gold, tmp_path / "all.jsonl", schema)
    rows = load_dataset("json", data_files=str(tmp_path / "all.jsonl"))["train"]
    assert rows["id"] == [article.id for article, _ in gold]
    for row, (article, annotation) in zip(rows, gold, strict=True):
        assert row["text"] == article.text
        assert [one["text"] for one in row["entities"]] == [
            article.text[one.start : one.end] for one in annotation.entities
        ]
        fillers = [[one["filler"] for one in event["arguments"]] for event in row["events"]]
        assert fillers == [[one.filler for one in event.arguments] for event in annotation.events]


def test_spacy_reads_conll(tmp_path: Path, schema: LabelSchema, gold: list[Pair]) -> None:
    from spacy.training.converters import conll_ner_to_docs

    written = write_as("conll", gold, tmp_path / "gold.conll", schema)
    docs = list(conll_ner_to_docs((tmp_path / "gold.conll").read_text(encoding="utf-8"), n_sents=0, no_print=True))
    found = Counter(span.label_ for doc in docs for span in doc.ents)
    assert found.total() == written.entities
    ((_, first), *_) = read_as(tmp_path / "gold.conll", intake("conll", schema, *(article for article, _ in gold)))
    assert Counter(one.type for one in first.entities) <= found


def test_spacy_has_the_spans_as_they_are(tmp_path: Path, schema: LabelSchema, gold: list[Pair]) -> None:
    import spacy
    from spacy.tokens import DocBin

    vocab = spacy.blank("en").vocab
    for name, spans in (("spacy", lambda doc: doc.ents), ("spancat", lambda doc: doc.spans["sc"])):
        written = write_as(name, gold, tmp_path / "gold.spacy", schema)
        docs = list(DocBin().from_disk(tmp_path / "gold.spacy").get_docs(vocab))
        assert [doc.text for doc in docs] == [article.text for article, _ in gold]
        found = [{(span.start_char, span.end_char, span.label_) for span in spans(doc)} for doc in docs]
        assert sum(map(len, found)) == written.entities
        for spans_of, (_, annotation) in zip(found, gold, strict=True):
            assert spans_of <= {(one.start, one.end, one.type) for one in annotation.entities}


def test_oneie_lines_are_as_ace_readers_have_them(tmp_path: Path, schema: LabelSchema, gold: list[Pair]) -> None:
    write_as("oneie", gold, tmp_path / "gold.jsonl", schema)
    kinds: Counter[str] = Counter()
    for line in (tmp_path / "gold.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        ids = {mention["id"] for mention in row["entity_mentions"]}
        for mention in (*row["entity_mentions"], *(event["trigger"] for event in row["event_mentions"])):
            words = row["tokens"][mention["start"] : mention["end"]]
            assert "".join(words) == "".join(mention["text"].split())
        assert {one["entity_id"] for event in row["event_mentions"] for one in event["arguments"]} <= ids
        kinds.update(mention["mention_type"] for mention in row["entity_mentions"])
    assert set(kinds) == {"NAM", "NOM", "PRO"} and kinds["NAM"] > kinds["NOM"] > 0


@pytest.mark.parametrize(
    ("tags", "spans", "lost"),
    [
        ("B-GPE I-GPE O B-GPE", [("GPE", 0, 11), ("GPE", 17, 23)], 0),
        ("I-GPE I-GPE O O", [("GPE", 0, 11)], 0),
        ("B-GPE B-GPE I-GPE O", [("GPE", 0, 5), ("GPE", 6, 16)], 0),
        ("B-GPE I-Person O I-Person", [("GPE", 0, 5), ("Person", 6, 11), ("Person", 17, 23)], 0),
        ("U-GPE O O S-GPE", [("GPE", 0, 5), ("GPE", 17, 23)], 0),
        ("B-GPE L-GPE O U-GPE", [("GPE", 0, 11), ("GPE", 17, 23)], 0),
        ("B-GPE M-GPE E-GPE S-GPE", [("GPE", 0, 16), ("GPE", 17, 23)], 0),
        ("E-GPE O L-GPE I-GPE", [("GPE", 0, 5), ("GPE", 12, 16), ("GPE", 17, 23)], 0),
        ("B-GPE I-GPE I-GPE I-GPE", [("GPE", 0, 23)], 0),
    ],
)
def test_tags_of_others(tmp_path: Path, schema: LabelSchema, tags: str, spans: list[Any], lost: int) -> None:
    words = ["Karsk", "Hills", "near", "Torvan"]
    lines = "".join(f"{word}\t{tag}\r\n" for word, tag in zip(words, tags.split(), strict=True))
    (tmp_path / "other.conll").write_text(lines, encoding="utf-8", newline="")
    taken = intake("conll", schema)
    ((article, annotation),) = read_as(tmp_path / "other.conll", taken)
    assert (article.id, article.text) == ("other-1", "Karsk Hills near Torvan")
    assert [(one.type, one.start, one.end) for one in annotation.entities] == spans
    assert taken.lost.counts["tags"] == lost


def test_conll_finds_articles_by_their_tokens(tmp_path: Path, schema: LabelSchema) -> None:
    text = "-DOCSTART- -X- O O\n\nKarsk -X- O B-GPE\n. -X- O O\n\n-DOCSTART-\n\nTorvan _ _ B-GPE\n\nleft _ _ O\n"
    (tmp_path / "two.conll").write_text(text, encoding="utf-8")
    known = Article(id="tor-1", text="Torvan\n\n left")
    one, two = read_as(tmp_path / "two.conll", intake("conll", schema, known))
    assert (one[0].id, one[0].text) == ("two-1", "Karsk .")
    assert two[0] == known


def test_gliner_without_ids_and_as_json_lines(tmp_path: Path, schema: LabelSchema) -> None:
    record = {
        "tokenized_text": ["Karsk", "shelled", "Torvan"],
        "ner": [[0, 0, "GPE"], [2, 2, "city"]],
        "relations": [1],
    }
    for text in (json.dumps([record, record]), f"{json.dumps(record)}\n\n{json.dumps(record)}\n"):
        (tmp_path / "other.json").write_text(text, encoding="utf-8")
        taken = intake("gliner", schema)
        pairs = list(read_as(tmp_path / "other.json", taken))
        assert [article.id for article, _ in pairs] == ["other-1", "other-2"]
        assert [one.type for one in pairs[0][1].entities] == ["GPE", "city"]
        assert pairs[0][1].schema_ref == "gliner@1.0.0"
        assert taken.lost.counts == {"relations": 2}


def test_gliner2_without_places(tmp_path: Path, schema: LabelSchema) -> None:
    sure = {"value": "yes", "choices": ["yes"]}
    output = {
        "entities": {"GPE": ["Karsk", "Torvan", "Mirdan"], "Person": []},
        "json_structures": [
            {"Attack": {"trigger": "shelled", "attacker": ["Karsk"], "target": "Torvan", "sure": sure}},
            {"Attack": {"attacker": "Karsk"}},
        ],
        "relations": [{"near": {"head": "Karsk", "tail": "Torvan"}}],
    }  # fmt: skip
    line = json.dumps({"input": "Karsk shelled Torvan, then Torvan again.", "output": output})
    (tmp_path / "other.jsonl").write_text(line, encoding="utf-8")
    taken = intake("gliner2", schema)
    ((article, annotation),) = read_as(tmp_path / "other.jsonl", taken)
    assert [article.text[one.start : one.end] for one in annotation.items()] == ["Karsk", "shelled"]
    assert [(one.role, one.filler) for one in annotation.events[0].arguments] == [("attacker", "e1")]
    assert taken.lost.counts == {"unplaced": 3, "choices": 1, "structures without a trigger": 1, "relations": 1}


def test_oneie_of_others(tmp_path: Path, schema: LabelSchema) -> None:
    rows = [
        {
            "doc_id": "d 1",
            "sent_id": "s0",
            "tokens": ["Karsk", "shelled", "it", "."],
            "pieces": ["Karsk"],
            "token_lens": [1],
            "sentence": "Karsk  shelled it.",
            "entity_mentions": [
                {"id": "m0", "entity_type": "GPE", "mention_type": "NAM", "entity_subtype": "x", "start": 0, "end": 1},
                {"id": "m1", "entity_type": "GPE", "mention_type": "PRO", "text": "it", "start": 2, "end": 3},
            ],
            "relation_mentions": [{"id": "r0"}],
            "event_mentions": [
                {
                    "id": "v0",
                    "event_type": "Conflict:Attack",
                    "trigger": {"text": "shelled", "start": 1, "end": 2},
                    "arguments": [{"entity_id": "m0", "text": "Karsk", "role": "Attacker"}],
                }
            ],
        },
        {"doc_id": "d 1", "sent_id": "s1", "tokens": ["Gone"], "entity_mentions": [], "event_mentions": []},
    ]  # fmt: skip
    (tmp_path / "ace.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    taken = intake("oneie", schema)
    ((article, annotation),) = read_as(tmp_path / "ace.jsonl", taken)
    # One of the two sentences has no text of its own, so the words make the text.
    assert (article.id, article.text) == ("d-1", "Karsk shelled it .\nGone")
    assert [one.attributes for one in annotation.entities] == [{}, {"mention": "pronoun"}]
    assert annotation.events[0].arguments[0].filler == "m0"
    assert taken.lost.counts == {"relations": 1}


BROKEN: list[tuple[str, str, str]] = [
    ("conll", "Karsk\n", r"file:1: has one column"),
    ("gliner", "{", r"file: not JSON we can read"),
    ("gliner", "[" * 100_000, r"file: not JSON we can read"),
    ("gliner", '[{"tokenized_text": ["a"], "ner": [[0, 1, "GPE"]]}]', r"file-1\.ner: \[0, 1\] is no span of 1 words"),
    ("gliner", '[{"tokenized_text": ["a"], "ner": [[-1, 0, "GPE"]]}]', r"file: record 1: ner\.0\.0: "),
    ("gliner", '[{"tokenized_text": ["a b"]}]', r"the tokens are not those of the text"),
    ("gliner", '[{"tokenized_text": []}]', r"the tokens are not those of the text"),
    ("gliner", '[{"ner": []}]', r"file: record 1: tokenized_text: Field required"),
    ("gliner2", '{"input": "Karsk"}', r"file:1: output: Field required"),
    (
        "gliner2",
        '{"input": "Karsk", "output": {"entities": {"GPE": [{"text": "Kars", "start": 0, "end": 5}]}}}',
        r"file:1: 'Kars' is not the text at \[0, 5\)",
    ),
    ("oneie", '{"doc_id": "d", "tokens": ["a"], "event_mentions": [{"id": "v"}]}', r"file:1: event_mentions\.0"),
    (
        "oneie",
        '{"doc_id": "d", "tokens": ["a"], "entity_mentions": [{"id": "e", "entity_type": "X", "start": 0, "end": 2}]}',
        r"file:1: \[0, 2\) is no span of 1 tokens",
    ),
    ("wikievents", "[]", r"file:1: not a JSON object"),
    (
        "jsonl",
        '{"id": "k", "text": "Karsk", "entities": [{"id": "e", "start": 0, "end": 9, "type": "GPE"}]}',
        r"file:1: e: \[0, 9\) is no span of a text of 5 characters",
    ),
    ("jsonl", '{"id": "k", "text": "Karsk", "text_sha256": "0"}', r"file:1: text_sha256: does not match the text"),
    ("jsonl", '{"id": "k", "text": "Karsk", "annotation": {"annotator": 7}}', r"file:1: annotator"),
    ("hf-ner", "no Parquet", r"file: cannot be read"),
    ("spacy", "no DocBin", r"file: not a DocBin that spaCy can read"),
    ("spancat", "", r"file: not a DocBin that spaCy can read"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "message"), BROKEN)
def test_a_broken_file_is_one_line(tmp_path: Path, schema: LabelSchema, name: str, text: str, message: str) -> None:
    (tmp_path / "file").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=message) as raised:
        list(read_as(tmp_path / "file", intake(name, schema)))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "name", ["spacy", "spancat", "gliner", "gliner2", "hf-ner", "conll", "oneie", "wikievents", "jsonl"]
)
def test_a_file_that_is_not_there(tmp_path: Path, schema: LabelSchema, name: str) -> None:
    with pytest.raises(BadInput, match=r"nowhere: cannot be read: .*No such file") as raised:
        list(read_as(tmp_path / "nowhere", intake(name, schema)))
    assert name == "hf-ner" or str(raised.value).count("nowhere") == 1


@pytest.mark.parametrize("name", format_names())
def test_a_pipe_is_not_read(tmp_path: Path, schema: LabelSchema, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match=r"pipe: is no regular file"):
        list(read_as(tmp_path / "pipe", intake(name, schema)))
    with pytest.raises(BadInput, match=r"has a NUL character"):
        list(read_as(Path("a\x00b"), intake(name, schema)))


def test_a_tag_below_zero_is_no_tag(tmp_path: Path, schema: LabelSchema) -> None:
    columns = features(schema)
    row = {"tokens": ["Karsk", "fires"], "ner_tags": [-1, 0]}
    pq.write_table(pa.Table.from_pylist([row], columns.arrow_schema), tmp_path / "file")
    with pytest.raises(BadInput, match="give Parquet with tokens and ner_tags"):
        list(read_as(tmp_path / "file", intake("hf-ner", schema)))


def test_conll_that_is_not_utf8_is_named_with_its_line(tmp_path: Path, schema: LabelSchema) -> None:
    (tmp_path / "file").write_bytes(b"Karsk B-GPE\ncaf\xe9 O\n")
    with pytest.raises(BadInput, match=r"file:2: not UTF-8"):
        list(read_as(tmp_path / "file", intake("conll", schema)))


def test_a_type_outside_the_schema_has_no_class_label(
    tmp_path: Path, schema: LabelSchema, article: Article, annotation: Annotation
) -> None:
    other = annotation.entities[0].model_copy(update={"type": "Bird"})
    changed = annotation.model_copy(update={"entities": (other,), "events": ()})
    with pytest.raises(BadInput, match="kel-1: the type Bird is not in the schema"):
        write_as("hf-ner", [(article, changed)], tmp_path / "x.parquet", schema)
    assert list(tmp_path.iterdir()) == []


def test_a_role_that_gliner2_cannot_write(
    tmp_path: Path, schema: LabelSchema, article: Article, annotation: Annotation
) -> None:
    record = schema.model_dump()
    for event in record["event_types"]:
        for role in event["roles"]:
            role["name"] = "trigger" if role["name"] == "attacker" else role["name"]
    with pytest.raises(BadInput, match="a role called trigger cannot be written"):
        write_as("gliner2", [(article, annotation)], tmp_path / "x.jsonl", LabelSchema.model_validate(record))
