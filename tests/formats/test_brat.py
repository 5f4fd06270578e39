"""brat folders, against the rules of its manual: http://brat.nlplab.org/standoff.html and configuration.html."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from curation.annotation import Annotation, Annotator, Argument, Entity, Event
from curation.article import Article
from curation.errors import BadInput
from curation.formats.article_lookup import ArticleLookup
from curation.formats.articles import good_articles
from curation.formats.brat import conf
from curation.formats.inline_markup import read_folder
from curation.formats.registry import ImportContext, read_as, write_as
from curation.schema import LabelSchema

ROOT = Path(__file__).resolve().parents[2]
PERSON = Annotator(kind="person", name="3")


class Conf:
    """An annotation.conf, read by brat's rules: sections in brackets, a type a line, arguments after white space."""

    def __init__(self, text: str) -> None:
        sections: dict[str, list[str]] = {}
        for line in text.split("\n"):
            if header := re.fullmatch(r"\[(entities|relations|events|attributes)\]", line):
                assert header[1] not in sections
                lines = sections.setdefault(header[1], [])
            elif line:
                lines.append(line)
        assert set(sections) == {"entities", "relations", "events", "attributes"}
        self.entities = set(sections["entities"])
        self.events: dict[str, dict[str, tuple[str, set[str]]]] = {}
        for line in sections["events"]:
            name, _, rest = line.partition("\t")
            roles = [re.fullmatch(r"([A-Za-z0-9_-]+)([?*+]?):(\S+)", one) for one in rest.split(", ") if one]
            self.events[name] = {role[1]: (role[2], set(role[3].split("|"))) for role in roles if role}
            assert len(self.events[name]) == len(roles)
        self.attributes: dict[str, tuple[str, set[str]]] = {}
        for line in sections["attributes"]:
            match = re.fullmatch(r"([A-Za-z0-9_-]+)\tArg:(<ENTITY>|<EVENT>), Value:(\S+)", line)
            assert match
            self.attributes[match[1]] = match[2], set(match[3].split("|"))
        names = [*self.entities, *self.events]
        assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in names)
        fillers = {name for roles in self.events.values() for _, types in roles.values() for name in types}
        assert fillers <= set(names)


def checked(folder: Path) -> int:
    """Every annotation of a folder is one that brat accepts. Returns how many there are."""
    known = Conf((folder / "annotation.conf").read_text(encoding="utf-8"))
    assert {path.stem for path in folder.glob("*.txt")} == {path.stem for path in folder.glob("*.ann")}
    count = 0
    for path in folder.glob("*.ann"):
        text = path.with_suffix(".txt").read_bytes().decode("utf-8")
        lines = path.read_bytes().decode("utf-8").split("\n")
        assert lines.pop() == ""
        records = dict(line.split("\t", 1) for line in lines)
        assert len(records) == len(lines), "ids stand once"
        types: dict[str, str] = {}
        for name, rest in records.items():
            if name[0] == "T":
                match = re.fullmatch(r"(\S+) (\d+ \d+(?:;\d+ \d+)*)\t([^\t\n]+)", rest)
                assert match
                places = [tuple(map(int, place.split(" "))) for place in match[2].split(";")]
                assert all(0 <= start < end <= len(text) for start, end in places)
                assert match[3] == " ".join(text[start:end] for start, end in places)
                assert "\n" not in match[3]
                types[name] = match[1]
            elif name[0] == "E":
                types[name] = rest.partition(":")[0]
        triggers = set()
        for name, rest in records.items():
            assert re.fullmatch(r"[TEA]\d+", name)
            if name[0] == "E":
                (label, trigger), *arguments = (one.split(":") for one in rest.split(" "))
                assert types[trigger] == label and label in known.events
                triggers.add(trigger)
                roles = [role for role, _ in arguments]
                assert len(set(roles)) == len(roles), "numbers part the roles"
                for role, filler in arguments:
                    base = re.sub(r"\d+$", "", role)
                    assert types[filler] in known.events[label][base][1]
            elif name[0] == "A":
                attribute, holder, value = rest.split(" ")
                of, values = known.attributes[attribute]
                assert value in values and holder in types
                assert (of == "<EVENT>") == (holder[0] == "E")
        for name, label in types.items():
            assert label in (known.events if name in triggers or name[0] == "E" else known.entities)
        count += len(records)
    return count


def test_the_sample_corpus_is_as_brat_has_it(tmp_path: Path, schema: LabelSchema) -> None:
    articles = {one.id: one for one in good_articles([ROOT / "corpus" / "articles"])}
    gold = list(read_folder(ROOT / "corpus" / "gold", articles.values(), schema, PERSON))
    written = write_as("brat", [(articles[one.article_id], one) for one in gold], tmp_path / "brat", schema)
    assert not written.lost
    attributes = sum(len(item.attributes) for one in gold for item in one.items())
    # A trigger has a line of its own beside that of its event.
    assert checked(tmp_path / "brat") == written.entities + 2 * written.events + attributes


def test_the_other_schema(recalls: LabelSchema) -> None:
    assert set(Conf(conf(recalls)).events) == set(recalls.event_names)


def test_a_small_folder_to_the_letter(tmp_path: Path, schema: LabelSchema) -> None:
    article = Article(id="kar/1", text="\U0001f680 Karsk opened\nfire on Torvan and Mirdan.")
    annotation = Annotation(
        id="a1",
        article_id=article.id,
        text_sha256=article.text_sha256,
        schema=schema.ref,
        annotator=PERSON,
        entities=(
            Entity(id="x", start=2, end=7, type="GPE"),
            Entity(id="y", start=23, end=29, type="GPE"),
            Entity(id="z", start=34, end=40, type="GPE", attributes={"mention": "nominal"}),
        ),
        events=(
            Event(
                id="w",
                start=8,
                end=19,
                type="Attack",
                attributes={"modality": "planned"},
                arguments=tuple(
                    Argument(role=role, filler=filler)
                    for role, filler in (("attacker", "x"), ("target", "y"), ("target", "z"))
                ),
            ),
        ),
    )
    write_as("brat", [(article, annotation)], tmp_path / "brat", schema)
    assert (tmp_path / "brat" / "kar%2F1.txt").read_text(encoding="utf-8") == article.text
    assert (tmp_path / "brat" / "kar%2F1.ann").read_text(encoding="utf-8") == (
        "T1\tGPE 2 7\tKarsk\n"
        "T2\tGPE 23 29\tTorvan\n"
        "T3\tGPE 34 40\tMirdan\n"
        "T4\tAttack 8 14;15 19\topened fire\n"
        "E1\tAttack:T4 attacker:T1 target:T2 target2:T3\n"
        "A1\tmention T3 nominal\n"
        "A2\tmodality E1 planned\n"
    )


def test_what_brat_has_and_we_cannot_hold(tmp_path: Path, schema: LabelSchema) -> None:
    (tmp_path / "kar-1.txt").write_text("Karsk and Torvan fired twice.", encoding="utf-8")
    (tmp_path / "kar-1.ann").write_text(
        "T1\tGPE 0 5\tKarsk\nT2\tGPE 0 5;10 16\tKarsk Torvan\nT3\tAttack 17 22\tfired\nT4\tAttack 23 28\ttwice\n"
        "E1\tAttack:T3 attacker:T1 attacker2:T2 \nE2\tAttack:T9\n*\tEquiv T1 T2\nR1\tnear Arg1:T1 Arg2:T3\n"
        "#1\tAnnotatorNotes T1\tsure?\nA1\tmodality E1 planned\nM1\tNegation E1\nA2\tmodality T2 planned\n\n",
        encoding="utf-8",
    )
    intake = ImportContext("brat", schema, ArticleLookup(), PERSON)
    ((article, annotation),) = read_as(tmp_path, intake)
    assert article.id == "kar-1"
    assert [(one.type, one.start, one.end) for one in annotation.entities] == [("GPE", 0, 5), ("Attack", 23, 28)]
    (event,) = annotation.events
    assert event.attributes == {"modality": "planned", "Negation": "true"}
    assert [(one.role, one.filler) for one in event.arguments] == [("attacker", "T1")]
    assert intake.lost.counts == {
        "discontinuous": 1,
        "arguments": 1,
        "events without a trigger": 1,
        "equivalences": 1,
        "relations": 1,
        "notes": 1,
        "attributes": 1,
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("T1\tGPE 0 4\tKarsk", r"kar-1\.ann:1: 'Karsk' is not the text at \[0, 4\)"),
        ("T1\tGPE 5 0\t", r"kar-1\.ann:1: '' is not the text at \[5, 0\)"),
        ("T1 GPE 0 5 Karsk", r"kar-1\.ann:1: is no line of brat's"),
        (f"T1\tGPE 0 {'9' * 5000}\tKarsk", r"kar-1\.ann:1: is no line of brat's"),
        ("E1\tAttack", r"kar-1\.ann:1: is no line of brat's"),
        ("T1\tGPE 0 5\tKarsk\nT1\tGPE 6 11\tfired", r"kar-1\.ann:2: id T1 is duplicated"),
    ],
)
def test_a_broken_line(tmp_path: Path, schema: LabelSchema, line: str, message: str) -> None:
    (tmp_path / "kar-1.txt").write_text("Karsk fired.", encoding="utf-8")
    (tmp_path / "kar-1.ann").write_text(line + "\n", encoding="utf-8")
    with pytest.raises(BadInput, match=message):
        list(read_as(tmp_path, ImportContext("brat", schema, ArticleLookup(), PERSON)))


def test_a_folder_without_texts_or_annotations(tmp_path: Path, schema: LabelSchema) -> None:
    intake = ImportContext("brat", schema, ArticleLookup(), PERSON)
    with pytest.raises(BadInput, match=r"holds no \.ann file"):
        list(read_as(tmp_path, intake))
    (tmp_path / "kar-1.ann").write_text("", encoding="utf-8")
    with pytest.raises(BadInput, match=r"kar-1\.txt: cannot be read"):
        list(read_as(tmp_path, intake))


def test_another_folder_is_left_alone(
    tmp_path: Path, schema: LabelSchema, article: Article, annotation: Annotation
) -> None:
    (tmp_path / "kar-1.txt").write_text("An article of somebody's.", encoding="utf-8")
    with pytest.raises(BadInput, match="holds something else than an earlier export; name a new folder"):
        write_as("brat", [(article, annotation)], tmp_path, schema)
    assert [path.name for path in tmp_path.iterdir()] == ["kar-1.txt"]


def test_an_earlier_export_is_replaced(
    tmp_path: Path, schema: LabelSchema, article: Article, annotation: Annotation
) -> None:
    other = article.model_copy(update={"id": "kel-2"})
    for one in (article, other):
        write_as("brat", [(one, annotation)], tmp_path / "brat", schema)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["annotation.conf", "brat", "kel-2.ann", "kel-2.txt"]


def test_a_label_that_brat_cannot_write(
    tmp_path: Path, schema: LabelSchema, article: Article, annotation: Annotation
) -> None:
    dotted = annotation.model_copy(
        update={"entities": (Entity(id="e1", start=0, end=1, type="Life.Die"),), "events": ()}
    )
    with pytest.raises(BadInput, match=r"kel-1: the label Life\.Die cannot be written"):
        write_as("brat", [(article, dotted)], tmp_path / "brat", schema)


def written_and_read(folder: Path, schema: LabelSchema, text: str, *spans: str, name: str = "kar-1") -> list[str]:
    """The T lines of an export, after checking that an import gives the same article and spans back."""
    article = Article(id=name, text=text)
    entities = tuple(
        Entity(id=f"e{i}", start=text.index(words), end=text.index(words) + len(words), type="GPE")
        for i, words in enumerate(spans)
    )
    annotation = Annotation(
        id="a1",
        article_id=name,
        text_sha256=article.text_sha256,
        schema=schema.ref,
        annotator=PERSON,
        entities=entities,
    )
    written = write_as("brat", [(article, annotation)], folder / "out", schema)
    intake = ImportContext("brat", schema, ArticleLookup(), PERSON)
    ((back, came),) = read_as(folder / "out", intake)
    assert back == article
    assert not intake.lost
    assert len(came.entities) == written.entities
    assert {(one.start, one.end) for one in came.entities} <= {(one.start, one.end) for one in entities}
    (path,) = (folder / "out").glob("*.ann")
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def test_spans_over_line_breaks_are_fragments(tmp_path: Path, schema: LabelSchema) -> None:
    text = "Karsk\n\n Hills, New\u2028Torvan\nfell."
    lines = written_and_read(tmp_path, schema, text, "Karsk\n\n Hills", "New\u2028Torvan", "Torvan\n", "\n\n")
    assert lines == ["T1\tGPE 0 5;7 13\tKarsk  Hills", "T2\tGPE 15 18;19 25\tNew Torvan"]


@pytest.mark.parametrize("name", ["\u044f" * 200, "\u6f22\u5b57" * 100, "x" * 200, "a/b", "50%~a"])
def test_names_of_any_length(tmp_path: Path, schema: LabelSchema, name: str) -> None:
    assert written_and_read(tmp_path, schema, "Karsk fell.", "Karsk", name=name) == ["T1\tGPE 0 5\tKarsk"]
    assert all(len(path.name.encode()) < 255 for path in (tmp_path / "out").iterdir())


def read_one(folder: Path, schema: LabelSchema, text: bytes, lines: bytes) -> tuple[Article, Annotation, ImportContext]:
    (folder / "kar-1.txt").write_bytes(text)
    (folder / "kar-1.ann").write_bytes(lines)
    intake = ImportContext("brat", schema, ArticleLookup(), PERSON)
    ((article, annotation),) = read_as(folder, intake)
    return article, annotation, intake


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (b"One.\nKarsk fell.\nTorvan too.\n", b"T1\tGPE 5 10\tKarsk\nT2\tGPE 17 23\tTorvan\n"),
        (b"One.\r\nKarsk fell.\r\nTorvan too.\r\n", b"T1\tGPE 6 11\tKarsk\r\nT2\tGPE 19 25\tTorvan\r\n"),
        (b"One.\r\nKarsk fell.\r\nTorvan too.\r\n", b"T1\tGPE 5 10\tKarsk\r\nT2\tGPE 17 23\tTorvan\r\n"),
        (b"\xef\xbb\xbfOne.\nKarsk fell.\nTorvan too.\n", b"\xef\xbb\xbfT1\tGPE 6 11\tKarsk\nT2\tGPE 18 24\tTorvan\n"),
        (b"\xef\xbb\xbfOne.\nKarsk fell.\nTorvan too.\n", b"T1\tGPE 5 10\tKarsk\nT2\tGPE 17 23\tTorvan\n"),
        (b"\xef\xbb\xbfOne.\r\nKarsk fell.\r\nTorvan too.\r\n", b"T1\tGPE 7 12\tKarsk\nT2\tGPE 20 26\tTorvan\n"),
        (b"One.\nKarsk fell.\nTorvan too.\n", b"T1\tGPE 5 11\tKarsk\nT2\tGPE 17 23\tTorvan  \t\n"),
    ],
    ids=["plain", "CRLF as two", "CRLF as one", "BOM counted", "BOM not counted", "both", "blanks at the end"],
)
def test_line_ends_marks_and_blanks(tmp_path: Path, schema: LabelSchema, text: bytes, lines: bytes) -> None:
    article, annotation, _ = read_one(tmp_path, schema, text, lines)
    assert article.text == "One.\nKarsk fell.\nTorvan too.\n"
    assert [article.text[one.start : one.end] for one in annotation.entities] == ["Karsk", "Torvan"]


def test_offsets_that_fit_in_several_ways_are_refused(tmp_path: Path, schema: LabelSchema) -> None:
    with pytest.raises(BadInput, match=r"kar-1\.ann: its offsets fit the text in several ways"):
        read_one(tmp_path, schema, b"a\r\naaaa", b"T1\tGPE 3 4\ta\n")
    with pytest.raises(BadInput, match=r"kar-1\.ann: its offsets fit the text in several ways"):
        read_one(tmp_path, schema, b"a\r\nKarsk", b"T1\tGPE 3 4\t\n")


def test_fragments_of_others(tmp_path: Path, schema: LabelSchema) -> None:
    text = b"Karsk\nHills and Tor and Mirdan fell."
    lines = b"T1\tGPE 0 5;6 11\tKarsk Hills\nT2\tGPE 16 19;24 30\tTor Mirdan\nT3\tGPE 0 5;6 11\tKarskHills\n"
    article, annotation, intake = read_one(tmp_path, schema, text, lines)
    assert [article.text[one.start : one.end] for one in annotation.entities] == ["Karsk\nHills"] * 2
    assert intake.lost.counts == {"discontinuous": 1}


ROLES = b"T1\tGPE 0 5\tKarsk\nT2\tGPE 15 21\tTorvan\nT3\tX 6 14\tattacked\n"


@pytest.mark.parametrize(
    ("conf", "arguments", "roles"),
    [
        ("X\tARG0:GPE, ARG1:GPE", "ARG0:T1 ARG1:T2", ["ARG0", "ARG1"]),
        ("X\tARG1*:GPE", "ARG1:T1 ARG12:T2", ["ARG1", "ARG12"]),
        ("X\tTheme*:GPE, Site+:GPE", "Theme:T1 Theme2:T2", ["Theme", "Theme"]),
        ("!X\tSite{1-3}:GPE", "Site2:T1 Site3:T2", ["Site", "Site"]),
        ("", "ARG0:T1 ARG1:T2", ["ARG0", "ARG1"]),
        ("", "Theme:T1 Theme2:T2", ["Theme", "Theme"]),
        ("", "Theme:T1 Site2:T2", ["Theme", "Site2"]),
    ],
)
def test_digits_of_roles(tmp_path: Path, schema: LabelSchema, conf: str, arguments: str, roles: list[str]) -> None:
    if conf:
        (tmp_path / "annotation.conf").write_text(f"[entities]\nGPE\n[events]\n# a note\n{conf}\n[attributes]\n")
    lines = ROLES + f"E1\tX:T3 {arguments}\n".encode()
    _, annotation, _ = read_one(tmp_path, schema, b"Karsk attacked Torvan.", lines)
    assert [one.role for one in annotation.events[0].arguments] == roles


def test_links_and_pipes_are_not_read(tmp_path: Path, schema: LabelSchema) -> None:
    import os

    (tmp_path / "secret").write_text("Karsk", encoding="utf-8")
    folder = tmp_path / "brat"
    folder.mkdir()
    (folder / "a.ann").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "b.ann")
    intake = ImportContext("brat", schema, ArticleLookup(), PERSON)
    with pytest.raises(BadInput, match=r"holds no \.ann file"):
        list(read_as(folder, intake))
    (folder / "c.ann").write_text("T1\tGPE 0 5\tKarsk\n", encoding="utf-8")
    (folder / "c.txt").symlink_to(tmp_path / "secret")
    with pytest.raises(BadInput, match=r"c\.txt: is a link that leads out"):
        list(read_as(folder, intake))
    (folder / "c.txt").unlink()
    os.mkfifo(folder / "c.txt")
    with pytest.raises(BadInput, match=r"c\.txt: is no regular file"):
        list(read_as(folder, intake))


def test_texts_without_annotations_are_counted(tmp_path: Path, schema: LabelSchema) -> None:
    (tmp_path / "other.txt").write_text("Torvan fell.", encoding="utf-8")
    _, _, intake = read_one(tmp_path, schema, b"Karsk fell.", b"")
    assert intake.lost.counts == {"texts without .ann": 1}


def test_a_bad_document_does_not_stop_the_others(tmp_path: Path, schema: LabelSchema) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text(f"Karsk {name}.", encoding="utf-8")
        (tmp_path / f"{name}.ann").write_text(f"T1\tGPE 0 5\t{'Tors' if name == 'b' else 'Karsk'}\n", encoding="utf-8")
    bad: list[BadInput] = []
    pairs = list(read_as(tmp_path, ImportContext("brat", schema, ArticleLookup(), PERSON), bad.append))
    assert [article.id for article, _ in pairs] == ["a", "c"]
    assert [str(one).partition(";")[0] for one in bad] == [f"{tmp_path}/b.ann:1: 'Tors' is not the text at [0, 5)"]
