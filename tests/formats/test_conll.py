"""CoNLL files of others: columns by what they hold, every scheme of tags, and what is none is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.annotation import Annotation, Annotator
from curation.article import Article
from curation.errors import BadInput
from curation.formats.article_lookup import ArticleLookup
from curation.formats.registry import ImportContext, read_as, write_as
from curation.schema import LabelSchema

from .conftest import CONLL_2002, CONLL_2003, CONLL_2012, CONLL_U, GERMEVAL

PERSON = Annotator(kind="person", name="3")


def read(folder: Path, schema: LabelSchema, text: str, bad: list[BadInput] | None = None) -> dict[str, list[str]]:
    """Article id → `TYPE words` of each entity of the file."""
    path = folder / "file.conll"
    path.write_text(text, encoding="utf-8", newline="")
    context = ImportContext("conll", schema, ArticleLookup(), PERSON)
    pairs = list(read_as(path, context, None if bad is None else bad.append))
    assert not context.lost
    return {article.id: spans(article, annotation) for article, annotation in pairs}


def spans(article: Article, annotation: Annotation) -> list[str]:
    found = sorted(annotation.items(), key=lambda item: (item.start, -item.end))
    return [f"{one.type} {article.text[one.start : one.end]}" for one in found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (CONLL_2003, {"file-1": ["LOC Karsk"]}),
        (CONLL_2002, {"file-1": ["LOC Karsk del Sur"]}),
        (GERMEVAL, {"file-1": ["LOCderiv Karsker"], "file-2": ["ORG FC Karsk", "LOC Karsk"]}),
        (CONLL_U, {"kar-1": ["LOC Karsk", "LOC Sur"]}),
        (CONLL_2012, {"bn/kar/00/kar_0001-000": ["ORG The Karsk Bank", "GPE Torvan"]}),
        ("B-LOC\tKarsk\nO\tfell\n", {"file-1": ["LOC Karsk"]}),
        ("1\tKarsk\tB-LOC\n2\tfell\tO\n", {"file-1": ["LOC Karsk"]}),
        ("Karsk NNP O\nfell VBD O\n", {"file-1": []}),
        ("token\ttag\nKarsk\tB-LOC\nfell\tO\n", {"file-1": ["LOC Karsk"]}),
        ("# a comment\nid token pos ner\n1 Karsk X B-LOC\n2 fell X O\n", {"file-1": ["LOC Karsk"]}),
        ("\ufeffKarsk B-LOC\r\nfell O\r\n", {"file-1": ["LOC Karsk"]}),
        ("# id 7\n# a comment\nKarsk B-LOC\n# O\n", {"file-1": ["LOC Karsk"]}),
        ("10\u00a0000 B-Quantity\nKarsk\u2028X B-LOC\n", {"file-1": ["Quantity 10\u00a0000", "LOC Karsk\u2028X"]}),
    ],
    ids=[
        "2003",
        "2002",
        "GermEval",
        "CoNLL-U",
        "2012",
        "tag first",
        "numbered",
        "no entities",
        "header",
        "header and numbers",
        "BOM",
        "comments",
        "blanks",
    ],
)
def test_columns_by_what_they_hold(tmp_path: Path, schema: LabelSchema, text: str, found: dict[str, list[str]]) -> None:
    assert read(tmp_path, schema, text) == found


def test_the_text_of_a_sentence_is_kept(tmp_path: Path, schema: LabelSchema) -> None:
    (tmp_path / "a.conllu").write_text(CONLL_U, encoding="utf-8")
    ((article, _),) = read_as(tmp_path / "a.conllu", ImportContext("conll", schema, ArticleLookup(), PERSON))
    assert article.text == "Karsk fell, del Sur."


def test_tokens_with_a_no_break_space_come_back(tmp_path: Path, schema: LabelSchema) -> None:
    (tmp_path / "a.conll").write_text("10\u00a0000 B-Quantity\nmen O\n", encoding="utf-8")
    pairs = list(read_as(tmp_path / "a.conll", ImportContext("conll", schema, ArticleLookup(), PERSON)))
    write_as("conll", pairs, tmp_path / "b.conll", schema)
    assert "10\u00a0000 -X- O B-Quantity\n" in (tmp_path / "b.conll").read_text(encoding="utf-8")
    ((_, again),) = read_as(tmp_path / "b.conll", ImportContext("conll", schema, ArticleLookup(), PERSON))
    assert [(one.start, one.end) for one in again.entities] == [(0, 6)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#FORMAT=WebAnno TSV 3.3\n\n1-1\t0-5\tKarsk\tLOC\n", "looks like WebAnno TSV, not like CoNLL"),
        (CONLL_U.replace("NER=B-LOC", "_"), "looks like CoNLL-U without entity tags"),
        (CONLL_U.replace("NER=B-LOC", "NER=LOC"), "looks like CoNLL-U without entity tags"),
        (
            CONLL_2012.replace("#begin document", "#x"),
            "looks like CoNLL-2005 or -2012 without its headers|which are no",
        ),
        ("Karsk NNP\nfell VBD\n. .\n", r"column 2 holds NNP, VBD, \., which are no BIO, BIOES or BILOU tags"),
        ("Karsk LOC\nfell O\n", "looks like tags without B- and I-"),
        ("Karsk B-LOC B-LOC\nfell O O\n", "has tags in columns 2 and 3, which may be layers, or gold and predictions"),
        ('{"tokens": ["Karsk"]}\n', "looks like JSON, not like CoNLL"),
        ('<?xml version="1.0"?>\n<a/>\n', "looks like XML, not like CoNLL"),
        ("T1\tLOC 0 5\tKarsk\n", "looks like brat standoff, not like CoNLL"),
        ("Karsk\nfell\n", "file.conll:1: has one column"),
    ],
)
def test_other_files_are_refused_with_what_they_look_like(
    tmp_path: Path, schema: LabelSchema, text: str, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        read(tmp_path, schema, text)


def test_a_bad_document_does_not_stop_the_others(tmp_path: Path, schema: LabelSchema) -> None:
    start = "-DOCSTART- O\n\n"
    text = f"{start}Karsk B-LOC\n\n{start}Torvan B-LOC\nfell\n\n{start}Mirdan B-LOC\nfell O\n"
    bad: list[BadInput] = []
    assert read(tmp_path, schema, text, bad) == {"file-1": ["LOC Karsk"], "file-3": ["LOC Mirdan"]}
    assert len(bad) == 1 and "file.conll:8: has one column" in str(bad[0])


def test_a_stray_tag_in_a_long_file_is_counted(tmp_path: Path, schema: LabelSchema) -> None:
    lines = ["Karsk B-LOC", *["fell O"] * 200, "fell B-"]
    (tmp_path / "a.conll").write_text("\n".join(lines), encoding="utf-8")
    context = ImportContext("conll", schema, ArticleLookup(), PERSON)
    ((_, annotation),) = read_as(tmp_path / "a.conll", context)
    assert len(annotation.entities) == 1
    assert context.lost.counts == {"tags": 1}
