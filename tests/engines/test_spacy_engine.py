"""The default engine as a whole: its promises about output, order, failure, length and memory of names."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language

from curation.annotation import Annotation
from curation.article import Article
from curation.engines import Engine, Failure, load_engine
from curation.engines.article_zones import MAX_ZONE, zones
from curation.engines.engine import BATCH_ARTICLES
from curation.engines.rules.clean_text import clean
from curation.engines.rules.lexicon import load_lexicon
from curation.errors import EngineError
from curation.schema import LabelSchema, load_schema
from curation.validation import validate

from .conftest import LEXICON, ROOT

NEWS = (
    "Mirdan fires rockets at camp\n\n"
    "HARL, Mirdan (QNA) — Mirdani troops fired four rockets at a rebel camp near Ostrel on Monday, killing three "
    "fighters. The rebels, who took the town in March, denied that they had attacked the bridge.\n\n"
    "“We will leave,” their commander, Doran Melk, said. He told Syria to stop the shelling."
)
WORDS = sorted(
    {
        word
        for rules in load_lexicon(LEXICON, load_schema(ROOT / "schemas" / "conflict-news.yaml")).events.values()
        for rule in rules
        for word in (*rule.verbs, *rule.nouns)
    }
)


def test_the_same_article_gives_the_same_bytes(engine: Engine, schema: LabelSchema) -> None:
    article = Article(id="news", text=NEWS)
    first = engine(article).to_json()
    again = load_engine("spacy", schema, lexicon=LEXICON)
    assert again(article).to_json() == first
    (piped,) = again.pipe([article])
    assert isinstance(piped, Annotation)
    assert piped.to_json() == first


def test_the_same_bytes_come_from_another_process(engine: Engine) -> None:
    """Nothing may hang on the order of sets, which changes with every process."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom curation import Article, load_schema\n"
        "from curation.engines import load_engine\n"
        "schema = load_schema(Path('schemas/conflict-news.yaml'))\n"
        "engine = load_engine('spacy', schema, lexicon=Path('schemas/conflict-news.lexicon.yaml'))\n"
        "print(engine(Article(id='news', text=sys.stdin.read())).to_json())\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], input=NEWS, capture_output=True, text=True, check=True, cwd=ROOT,
        env={"PYTHONHASHSEED": "7", "PATH": ""},
    )  # fmt: skip
    assert ran.stdout.strip() == engine(Article(id="news", text=NEWS)).to_json()


def test_items_are_numbered_in_reading_order_with_origin_and_score(engine: Engine) -> None:
    made = engine(Article(id="news", text=NEWS))
    assert [entity.id for entity in made.entities] == [f"e{n}" for n in range(1, len(made.entities) + 1)]
    assert [event.id for event in made.events] == [f"v{n}" for n in range(1, len(made.events) + 1)]
    starts = [entity.start for entity in made.entities]
    assert starts == sorted(starts)
    assert {item.origin for item in made.items()} == {made.annotator.key}
    assert all(item.score is not None and 0 < item.score <= 1 for item in made.items())
    assert all(argument.origin == made.annotator.key for event in made.events for argument in event.arguments)
    assert made.time is None
    assert re.fullmatch(r"engine:spacy@\d+\.\d+\.\d+\+[0-9a-f]{8}", made.annotator.key)


def test_the_version_changes_with_the_lexicon(engine: Engine, schema: LabelSchema) -> None:
    bare = load_engine("spacy", schema, lexicon=None)
    assert bare.annotator.version != engine.annotator.version


def test_nominals_and_pronouns_are_marked_everywhere_on_request(engine: Engine, schema: LabelSchema) -> None:
    article = Article(id="a", text="The minister praised police officers. They said they were tired.")

    def words(engine: Engine) -> list[str]:
        return [article.text[one.start : one.end] for one in engine(article).entities]

    assert words(engine) == []
    phrases, every = (
        load_engine("spacy", schema, lexicon=LEXICON, options={"mentions": mentions}) for mentions in ("phrases", "all")
    )
    assert words(phrases) == ["minister", "police officers", "They", "they"]
    assert words(every) == ["minister", "police officers", "police", "They", "they"]
    assert len({one.annotator.version for one in (engine, phrases, every)}) == 3
    with pytest.raises(EngineError, match="mentions='none'; choose one of roles, phrases, all"):
        load_engine("spacy", schema, lexicon=LEXICON, options={"mentions": "none"})


def test_more_evidence_gives_a_higher_score(engine: Engine) -> None:
    def score(text: str) -> float:
        (event,) = engine(Article(id="a", text=text)).events
        assert event.score is not None
        return event.score

    assert score("Rebels shelled a bridge near Aleppo on Monday.") > score("Rebels may not have shelled it.")
    assert score("Rebels shelled a bridge near Aleppo.") > score("“Rebels shelled a bridge,” he said.")


def test_without_a_lexicon_the_models_entities_are_mapped(schema: LabelSchema) -> None:
    made = load_engine("spacy", schema, lexicon=None)(Article(id="a", text="Angela Merkel met Bill Clinton in France."))
    assert {entity.type for entity in made.entities} == {"Person", "GPE"}
    assert made.events == ()


def test_another_schema_needs_nothing_but_its_own_files(recalls: LabelSchema) -> None:
    engine = load_engine("spacy", recalls, lexicon=ROOT / "schemas" / "product-recalls.lexicon.yaml")
    article = Article(id="r", text="Larkhill Homewares Ltd has recalled 4,000 kettles. Only lot B-2207 is affected.")
    made = engine(article)
    assert validate(made, article, recalls) == []
    assert {event.type for event in made.events} == {"Recall"}
    assert {"Firm", "Product", "Batch"} <= {entity.type for entity in made.entities}


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), min_size=1, max_size=200).filter(
    str.strip
)
NAMES = ["Syria", "ISIL", "the rebels", "Doran Melk", "them", "two soldiers", "Monday", "(UC)", "a bridge", "rockets"]
TIES = [
    "of",
    "in",
    "by",
    "to",
    "who",
    "and",
    "said",
    "not",
    "will",
    "’s",
    ",",
    ".",
    "-",
    "\n",
    "“",
    "were",
    "that",
    "for",
]
SENTENCES = st.lists(st.sampled_from([*WORDS, *NAMES, *TIES]), min_size=3, max_size=60).map(" ".join).filter(str.strip)


@given(st.one_of(TEXT, SENTENCES))
def test_whatever_the_text_the_output_fits_it_and_the_schema(text: str) -> None:
    engine, schema = _shared()
    article = Article(id="any", text=text)
    (made,) = engine.pipe([article])
    if isinstance(made, Failure):
        assert made.reason == "has no words"
        assert not any(char.isalnum() for char in clean(text).text)
        return
    assert validate(made, article, schema) == []
    parts = zones(text) if clean(text).text == text else []
    for item in made.items():
        words = text[item.start : item.end]
        assert words == words.strip()
        assert not parts or any(zone.start <= item.start and item.end <= zone.end for zone in parts)


_kept: list[tuple[Engine, LabelSchema]] = []


def _shared() -> tuple[Engine, LabelSchema]:
    """One engine for all examples: hypothesis takes no fixtures of the session lightly."""
    if not _kept:
        schema = load_schema(ROOT / "schemas" / "conflict-news.yaml")
        _kept.append((load_engine("spacy", schema, lexicon=LEXICON), schema))
    return _kept[0]


@pytest.mark.parametrize("gap", [" ", "\n\n"])
def test_a_long_text_is_read_to_its_end_with_exact_offsets(engine: Engine, schema: LabelSchema, gap: str) -> None:
    sentence = "Rebels bombed a bridge near Damascus \U0001f680 on Monday."
    count = 3 * MAX_ZONE // len(sentence)
    article = Article(id="long", text=gap.join([sentence] * count))
    made = engine(article)
    assert validate(made, article, schema) == []
    bombed = [event for event in made.events if article.text[event.start : event.end] == "bombed"]
    assert len(bombed) >= count - 4  # a cut may fall into a sentence
    assert bombed[-1].start > len(article.text) - len(sentence)


@Language.component("stumbles")
def stumbles(doc: Any) -> Any:
    if "stumble" in doc.text:
        raise ValueError("this text\ncannot be parsed")
    return doc


def test_one_article_that_fails_costs_the_others_nothing(schema: LabelSchema) -> None:
    engine: Any = load_engine("spacy", schema, lexicon=LEXICON)
    engine.nlp.add_pipe("stumbles", first=True)
    texts = [NEWS, "Rebels stumble at the bridge.", NEWS, NEWS]
    articles = [Article(id=f"a{number}", text=text) for number, text in enumerate(texts)]
    made = list(engine.pipe(iter(articles)))
    assert [item.article_id for item in made] == ["a0", "a1", "a2", "a3"]
    assert made[1] == Failure("a1", "ValueError: this text cannot be parsed")
    assert [len(item.events) for item in made if isinstance(item, Annotation)] == [len(made[0].events)] * 3
    with pytest.raises(EngineError, match="a1: ValueError: this text cannot be parsed"):
        engine(articles[1])


def test_an_article_in_another_language_is_reported(engine: Engine) -> None:
    articles = [
        Article(id="fr", text="Les rebelles ont attaqué un pont.", language="fr"),
        Article(id="en", text="Rebels attacked a bridge.", language="en-GB"),
    ]
    failed, made = engine.pipe(articles)
    assert failed == Failure("fr", "is in fr, this engine reads en")
    assert isinstance(made, Annotation)


def test_more_articles_than_a_batch_come_in_order_and_one_batch_ahead(engine: Engine) -> None:
    drawn = 0

    def articles() -> Any:
        nonlocal drawn
        for number in range(3 * BATCH_ARTICLES):
            drawn += 1
            yield Article(id=f"a{number}", text=f"Rebels bombed a bridge on day {number}.")

    made = engine.pipe(articles())
    first = next(made)
    assert first.article_id == "a0"
    assert drawn == BATCH_ARTICLES
    assert [item.article_id for item in made] == [f"a{number}" for number in range(1, 3 * BATCH_ARTICLES)]


def test_a_model_that_is_not_there_is_named(schema: LabelSchema, tmp_path: Path) -> None:
    with pytest.raises(
        EngineError, match=r"no spaCy model 'en_core_web_huge' here; .*pip install \"curation\[spacy\]\""
    ):
        load_engine("spacy", schema, lexicon=None, model="en_core_web_huge")
    with pytest.raises(EngineError, match="no spaCy model"):
        load_engine("spacy", schema, lexicon=None, model=str(tmp_path))


def test_a_model_without_a_parser_is_refused(schema: LabelSchema, tmp_path: Path) -> None:
    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(EngineError, match="has no lemmatizer, ner, parser; choose one with all of"):
        load_engine("spacy", schema, lexicon=None, model=str(tmp_path / "blank"))


def test_a_model_may_be_a_folder(schema: LabelSchema, tmp_path: Path, engine: Any) -> None:
    engine.nlp.to_disk(tmp_path / "model")
    copy = load_engine("spacy", schema, lexicon=LEXICON, model=str(tmp_path / "model"))
    article = Article(id="news", text=NEWS)
    assert copy(article) == engine(article)


def test_without_weights_scores_are_those_of_the_rules(engine: Engine, schema: LabelSchema, tmp_path: Path) -> None:
    words = LEXICON.read_text(encoding="utf-8").replace("weights: conflict-news.weights.yaml\n", "")
    (tmp_path / LEXICON.name).write_text(words, encoding="utf-8")
    article = Article(id="news", text=NEWS)
    plain = load_engine("spacy", schema, lexicon=tmp_path / LEXICON.name)(article)
    fitted = engine(article)
    assert plain.annotator.key != fitted.annotator.key
    assert [(item.id, item.type, item.start, item.end) for item in plain.items()] == [
        (item.id, item.type, item.start, item.end) for item in fitted.items()
    ]
    assert {event.score for event in plain.events} <= {0.5, 0.7, 0.8, 0.85}
    assert all(0 < argument.score <= 0.81 for event in plain.events for argument in event.arguments if argument.score)


def test_the_version_changes_with_the_weights(engine: Engine, schema: LabelSchema, tmp_path: Path) -> None:
    for path in LEXICON.parent.glob("conflict-news.*.yaml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    copy = load_engine("spacy", schema, lexicon=tmp_path / LEXICON.name)
    assert copy.annotator == engine.annotator
    table = "{base: 0}"
    (tmp_path / "conflict-news.weights.yaml").write_text(f"entities: {table}\ntriggers: {table}\narguments: {table}\n")
    assert load_engine("spacy", schema, lexicon=tmp_path / LEXICON.name).annotator != engine.annotator
