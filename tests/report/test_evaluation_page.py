"""The page: every character of the texts is there, nothing of them is markup, crossing spans included."""

from __future__ import annotations

import base64
import hashlib
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from curation.annotation import Annotation, Argument, Entity, Event
from curation.article import Article, normalise
from curation.metrics.evaluation import Evaluator
from curation.report.evaluation_page import SHOWN_CHARACTERS, evaluation_page

SECOND = '"><img src=x onerror=alert(2)> {{ 7*7 }} {% raw %} \u202egnp.exe\x1b[31m &amp; \u2028 end'
HOSTILE = f"<script>alert(1)</script>\n{SECOND}"


class Reader(HTMLParser):
    """Elements with their attributes, whether all close, and each marked paragraph: whose it is, its bare text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.paragraphs: list[tuple[str | None, str]] = []
        self.open: list[tuple[str, bool]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        marked = tag == "p" and "dir" in attributes
        if marked:
            self.paragraphs.append((attributes.get("data-side"), ""))
        if tag not in ("meta", "br"):
            self.open.append((tag, marked))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if any(marked for _, marked in self.open) and not any(tag == "small" for tag, _ in self.open):
            side, text = self.paragraphs[-1]
            self.paragraphs[-1] = side, text + data

    @property
    def texts(self) -> list[str]:
        return [text.strip() for _, text in self.paragraphs]


def made(article: Article, gold: Annotation, said: Annotation, *, name: str = "mine") -> Reader:
    evaluator = Evaluator()
    compared = evaluator.add(article, gold, said)
    return Reader(evaluation_page(evaluator.result(), [compared], measured=name, gold="gold"))


def annotation(article: Article, entities: list[Entity], events: list[Event] | None = None) -> Annotation:
    record = {
        "id": "x",
        "article_id": article.id,
        "text_sha256": article.text_sha256,
        "schema": "gardens@1.0.0",
        "annotator": {"kind": "person", "name": "3"},
        "entities": entities,
        "events": events or [],
    }
    return Annotation.from_record(record, path=Path("x"))


def test_hostile_text_and_labels_are_only_text() -> None:
    article = Article(id='"><script>', text=HOSTILE)
    label = "<svg/onload=alert(3)>"
    entities = [Entity(id="e1", start=0, end=8, type=label), Entity(id="e2", start=26, end=40, type='" onclick="x')]
    events = [Event(id="v1", start=9, end=14, type=label, arguments=(Argument(role="<b>", filler="e1"),))]
    found = made(article, annotation(article, entities, events), annotation(article, entities[:1]), name="<script>")
    assert {tag for tag, _ in found.elements} <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "bdi", "p", "div", "table", "caption", "thead"),
        *("tbody", "tr", "th", "td", "strong", "details", "summary", "ul", "li", "br", "span", "small"),
    }
    assert {name for _, attributes in found.elements for name in attributes} <= {
        *("lang", "charset", "http-equiv", "content", "name", "class", "scope", "title", "dir", "data-side", "open"),
    }
    shown = SECOND.replace("\u202e", "\ufffd").replace("\x1b", "\ufffd")
    assert set(found.texts) == {"<script>alert(1)</script>", shown}
    (policy,) = (attributes["content"] for _, attributes in found.elements if "http-equiv" in attributes)
    style = found.html.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_it_needs_nothing_else() -> None:
    article = Article(id="a", text="Kelmar shelled Torvan.")
    gold = annotation(article, [Entity(id="e1", start=0, end=6, type="GPE")])
    html = made(article, gold, gold).html
    for word in ("://", "url(", "@import", "src=", "href="):
        assert word not in html


def test_spans_beyond_the_text_are_cut() -> None:
    article = Article(id="a", text="Kelmar shelled Torvan.")
    gold = annotation(article, [Entity(id="e1", start=0, end=6, type="GPE")])
    beyond = [Entity(id="e1", start=15, end=900, type="GPE"), Entity(id="e2", start=400, end=900, type="GPE")]
    found = made(article, gold, annotation(article, beyond))
    assert found.texts == [article.text, article.text]


def test_a_long_text_is_cut_and_says_so() -> None:
    article = Article(id="a", text="Kelmar shelled Torvan. " * 5000)
    gold = annotation(article, [Entity(id="e1", start=0, end=6, type="GPE")])
    found = made(article, gold, gold)
    assert found.texts == [article.text[:SHOWN_CHARACTERS].strip()]
    assert "The text is cut here." in found.html
    short = Article(id="a", text="Kelmar shelled Torvan.")
    one = annotation(short, [Entity(id="e1", start=0, end=6, type="GPE")])
    assert "The text is cut here." not in made(short, one, one).html


texts = st.text(alphabet="ab<&\"'\n \u05d0\U0001f680{}%", min_size=2, max_size=40).map(normalise).filter(str.strip)


@given(texts, st.data())
def test_any_spans_leave_the_text_whole(text: str, data: st.DataObject) -> None:
    article = Article(id="a", text=text)

    def some() -> Annotation:
        entities, events = [], []
        for i in range(data.draw(st.integers(0, 5))):
            start = data.draw(st.integers(0, len(text) - 1))
            end = data.draw(st.integers(start + 1, len(text)))
            kind = data.draw(st.sampled_from("AB"))
            if data.draw(st.booleans()):
                entities.append(Entity(id=f"e{i}", start=start, end=end, type=kind))
            else:
                events.append(Event(id=f"v{i}", start=start, end=end, type=kind))
        return annotation(article, entities, events)

    found = made(article, some(), some())
    # a line stands once where both sides agree, else twice
    told = [text for side, text in found.paragraphs if side != "predicted"]
    assert [text.strip() for text in told] == [line.strip() for line in text.split("\n") if line.strip()]
    golds = [text for side, text in found.paragraphs if side == "gold"]
    assert golds == [text for side, text in found.paragraphs if side == "predicted"]
