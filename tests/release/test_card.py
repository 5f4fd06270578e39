"""The card says what is in the release, is valid for the Hub, and lets no text in as markup."""

from __future__ import annotations

import random
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from datasets import load_dataset
from huggingface_hub import DatasetCard, DatasetCardData
from made import ABOUT, SCHEMA, corpus, reviewed, words

from curation.release import About, Audit, build_release, load_release
from curation.release.card import PLOTS, block, escape, plots
from curation.release.manifest import Counts, Manifest
from curation.schema import LabelSchema

EVIL = "a|b\n# head\n---\n<script>x</script> [link](http://x.example) `code` **bold** {{ 7*7 }} {% raw %} $e^x$"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    about = About(name="made-news", title="Made: news", licence="CC-BY-4.0", tags=("made",), limits=("Made up.",))
    return build_release(corpus(40), SCHEMA, tmp_path, about=about).folder


def test_the_front_matter_is_what_the_hub_and_load_dataset_read(folder: Path) -> None:
    card = DatasetCard.load(folder / "README.md")
    assert isinstance(card.data, DatasetCardData)
    front = card.data.to_dict()
    assert front["pretty_name"] == "Made: news"
    assert front["language"] == ["en"]
    assert front["license"] == ["cc-by-4.0", "cc0-1.0"]
    assert front["task_categories"] == ["token-classification"]
    assert front["task_ids"] == ["named-entity-recognition"]
    assert front["annotations_creators"] == ["expert-generated"]
    assert front["size_categories"] == ["n<1K"]
    assert "event-extraction" in front["tags"]
    loaded = load_dataset(str(folder))
    told = {one["name"]: one["num_examples"] for one in front["dataset_info"][0]["splits"]}
    assert told == {name: split.num_rows for name, split in loaded.items()}
    # The Hub's own writer changes nothing in it.
    assert yaml.safe_load(card.data.to_yaml()) == yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])


def test_the_anchoring_audit_is_told_where_there_is_one(folder: Path, tmp_path: Path) -> None:
    assert "Anchoring audit" not in (folder / "README.md").read_text()
    audit = Audit(rows=(("articles", "4", "36", ""),), words=("Too few. <b>",))
    about = About(name="made-news", title="Made: news", anchoring=audit)
    page = (build_release(corpus(40), SCHEMA, tmp_path / "again", about=about).folder / "README.md").read_text()
    assert "### Anchoring audit" in page
    assert "| articles | 4 | 36 |  |" in page
    assert "- Too few. &lt;b&gt;" in page


def test_the_card_tells_what_is_in_it(folder: Path) -> None:
    page = (folder / "README.md").read_text()
    release = load_release(folder, "0.1.0")
    row = " | ".join(str(release[split].num_rows) for split in ("train", "validation", "test"))
    for line in (
        f"| `Person` | {row} | A person. |",
        "| `Move` | `mover` (required) | Person | Who goes. |",
        "`mention` of entities: How it is named. The default is name.",
        "| `nominal` | By noun. |",
        "| `topic` | Event | What of. |",
        "| Event | every event type |",
        "| entities | 40 | 0 | 40 |",
        "| person:1 | 40 |",
        "| CC0-1.0 | 40 |",
        "| Gazette of Made | 40 |",
        "- Made up.",
        "The annotations are under CC-BY-4.0.",
        'dataset = curation.load_release("ORG/NAME", "0.1.0")',
    ):
        assert line in page
    assert "test split is empty" in page
    assert release["test"].num_rows == 0


def test_groups_that_roles_name_are_told(tmp_path: Path) -> None:
    record = SCHEMA.model_dump(mode="json")
    record["groups"] = {"actor": ["Person", "Event"], "unused": ["Place"]}
    record["event_types"][0]["roles"][0]["fillers"] = ["actor", "Place"]
    record["event_types"].pop()
    rows = [row._replace(annotation=row.annotation.model_copy(update={"events": ()})) for row in corpus(3)]
    folder = build_release(rows, LabelSchema.model_validate(record), tmp_path, about=ABOUT).folder
    page = (folder / "README.md").read_text()
    assert "| `Move` | `mover` (required) | actor, Place | Who goes. |" in page
    assert "| actor | Person, Event |\n| Event | every event type |" in page
    assert "unused" not in page


def test_text_from_outside_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    record = SCHEMA.model_dump(mode="json")
    record["description"] = EVIL
    record["entity_types"][0]["definition"] = EVIL
    row = reviewed("a-1", words(40, random.Random(1)))
    article = row.article.model_copy(update={"source": EVIL, "licence": EVIL, "language": "no"})
    about = About(name="made-news", title=EVIL, description=EVIL, limits=(EVIL,), citation=EVIL, contact=EVIL)
    schema = LabelSchema.model_validate(record)
    folder = build_release([row._replace(article=article)], schema, tmp_path, about=about).folder
    page = (folder / "README.md").read_text()
    _, front, body = page.split("---\n", 2)
    read = yaml.safe_load(front)
    assert read["language"] == ["no"]
    assert read["license"] == ["other"]
    assert read["pretty_name"] == " ".join(EVIL.split())
    shown = (
        r"a\|b \# head --- &lt;script&gt;x&lt;/script&gt; \[link\](http\://x.example) \`code\` \*\*bold\*\* "
        r"\{\{ 7\*7 \}\} \{% raw %\} \$e^x\$"
    )
    # Title, two descriptions, definition, limit, licence, source, citation, contact: each as it is, none otherwise.
    assert body.count(shown) == body.count("head") - body.count("headline") == 9
    assert "<script>" not in body
    tables = [line for line in body.splitlines() if "head ---" in line and line.startswith("|")]
    assert len(tables) == 3
    assert all(r"a\|b" in line for line in tables)
    assert load_dataset(str(folder), "documents")["train" if "train" in front else "test"].num_rows <= 1
    assert "<script>" not in (folder / "CHANGELOG.md").read_text()
    assert DatasetCard.load(folder / "README.md").data.to_dict() == read


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("plain, text. (Yes!) 3-4", "plain, text. (Yes!) 3-4"),
        ("a|b", r"a\|b"),
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ("[x](http://y)", r"\[x\](http\://y)"),
        ("two\nlines", "two lines"),
        ("www.x.example", r"www\.x.example"),
    ],
)
def test_escape(given: str, made: str) -> None:
    assert escape(given) == made


@pytest.mark.parametrize(
    ("given", "made"),
    [("- no list", r"\- no list"), ("1. none", r"1\. none"), ("=====", r"\====="), ("1 of 2", "1 of 2")],
)
def test_block(given: str, made: str) -> None:
    assert block(given) == made


def test_many_sources_are_summed_up(tmp_path: Path) -> None:
    rows = [
        row._replace(article=row.article.model_copy(update={"source": f"Paper {n:03}"}))
        for n, row in enumerate(corpus(70))
    ]
    folder = build_release(rows, SCHEMA, tmp_path, about=About(name="made", title="Made")).folder
    page = (folder / "README.md").read_text()
    assert "| 20 others | 20 |" in page
    assert "Paper 060" not in page


def test_the_licence_note_names_both(folder: Path) -> None:
    note = (folder / "LICENSE").read_text()
    assert "The annotations: CC-BY-4.0" in note
    assert "- CC0-1.0: 40 articles" in note


def texts(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]


def test_bars_are_the_counts() -> None:
    counts = Counts(
        entities={"Person": {"train": 3, "test": 1}, "Place": {"train": 9}},
        events={"Move": {"train": 0}},
        lengths={"0": 2, "1000": 5},
        timeline={"2031-02": 1, "2031-01": 6},
    )
    drawn = plots(counts)
    assert texts(drawn["plots/labels.svg"])[1:] == ["Place", "9", "Person", "4", "Move", "0"]
    assert texts(drawn["plots/lengths.svg"])[1:] == ["0–499", "2", "500–999", "0", "1,000–1,499", "5"]
    assert texts(drawn["plots/timeline.svg"])[1:] == ["2031-01", "6", "2031-02", "1"]
    widths = [float(one) for one in re.findall(r'class="s0" .*?width="([\d.]+)"', drawn["plots/labels.svg"])]
    assert widths[0] > 2 * widths[1] > widths[2] == 0


def test_many_are_gathered_and_none_are_left_out() -> None:
    counts = Counts(
        lengths={str(500 * n): 1 for n in range(100)},
        timeline={f"{2000 + n // 12}-{n % 12 + 1:02}": 1 for n in range(100)},
    )
    drawn = plots(counts)
    assert list(drawn) == ["plots/lengths.svg", "plots/timeline.svg"]
    lengths = texts(drawn["plots/lengths.svg"])[1:]
    assert len(lengths) == 2 * 40
    assert lengths[-1] == "61", "what is longer is in the last bar"
    assert texts(drawn["plots/timeline.svg"])[1:5] == ["2000", "12", "2001", "12"]
    assert plots(Counts()) == {}


def test_the_card_shows_them(tmp_path: Path) -> None:
    folder = build_release(corpus(30), SCHEMA, tmp_path, about=ABOUT).folder
    page = (folder / "README.md").read_text()
    for name, shown in PLOTS.items():
        assert f"![{shown}]({name})" in page
        assert texts((folder / name).read_text())[0] == shown
    counts = Manifest.read(folder).counts
    assert sum(counts.lengths.values()) == sum(counts.timeline.values()) == 30
    assert "Made news, version 0.1.0, content `" in page
