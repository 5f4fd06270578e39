"""What an annotator does in the browser is what a pull brings back: span for span, offset for offset."""

from __future__ import annotations

from pathlib import Path

import pytest
from editor import Box, Editor

from curation.annotation import Annotation, Annotator, Argument, Entity, Event, Span
from curation.article import Article
from curation.labelstudio.client import Client
from curation.labelstudio.pull import pull
from curation.labelstudio.push import push
from curation.labelstudio.snapshot import read_snapshot
from curation.schema import LabelSchema

pytestmark = [pytest.mark.live, pytest.mark.browser]

# Before the spans: an emoji of several code points, a flag, combining marks, a tab, a no-break space.
TEXT = (
    "\U0001f469\u200d\U0001f680 \U0001f1e6\U0001f1f6 Cafe\u0301 news\tdesk,\u00a0Kelmar\n"
    "\n"
    "Kelmar fired four rockets at Torvan rebels \U0001f680 near Port Anselm on Friday.\n"
    "The rebels may attack the harbour of Re\u0301gnis."
)


@pytest.fixture
def article() -> Article:
    return Article(id="browser-1", text=TEXT)


def place(words: str) -> tuple[int, int, str]:
    start = TEXT.index(words)
    return start, start + len(words), words


def at(words: str, nth: int = 0) -> dict[str, int]:
    start = -1
    for _ in range(nth + 1):
        start = TEXT.index(words, start + 1)
    return {"start": start, "end": start + len(words)}


@pytest.fixture
def annotation(article: Article, schema: LabelSchema) -> Annotation:
    return Annotation(
        id="b" * 24,
        article_id=article.id,
        text_sha256=article.text_sha256,
        schema=schema.ref,
        annotator=Annotator(kind="engine", name="by-hand", version="1.0.0"),
        entities=(
            Entity(id="e1", type="GPE", **at("Kelmar")),
            Entity(id="e2", type="GPE", **at("Kelmar", 1)),
            Entity(id="e3", type="Weapon", attributes={"mention": "nominal"}, **at("four rockets")),
            Entity(id="e4", type="Quantity", **at("four")),
            Entity(id="e5", type="ArmedGroup", attributes={"mention": "nominal"}, **at("Torvan rebels")),
            Entity(id="e6", type="Nationality", **at("Torvan")),
            Entity(id="e7", type="Time", **at("Friday")),
        ),
        events=(
            Event(
                id="v1",
                type="Attack",
                arguments=(
                    Argument(role="attacker", filler="e2"),
                    Argument(role="instrument", filler="e3"),
                    Argument(role="target", filler="e5"),
                ),
                **at("fired"),
            ),
            Event(id="v2", type="Attack", **at("attack")),
        ),
    )


def said(annotation: Annotation) -> set[tuple[object, ...]]:
    """All that `annotation` says, without ids."""

    def words(span: Span) -> tuple[int, int, str]:
        return span.start, span.end, TEXT[span.start : span.end]

    items = {(item.type, *words(item), *sorted(item.attributes.items())) for item in annotation.items()}
    arguments = {
        (event.type, *words(event), argument.role, *words(annotation.item(argument.filler)))
        for event in annotation.events
        for argument in event.arguments
    }
    return items | arguments


@pytest.fixture
def opened(
    client: Client, editor: Editor, schema: LabelSchema, article: Article, annotation: Annotation, tmp_path: Path
) -> Editor:
    """The editor with the pre-annotated article open in it, pushed to a project of its own."""
    pushed = push(client, schema, [(article, annotation)], work=tmp_path, title=tmp_path.name)
    assert (pushed.sent, pushed.refused) == (1, 0)
    (task,) = client.get(f"/api/tasks?project={pushed.project_id}")["tasks"]
    editor.open(pushed.project_id, task["id"])
    editor.wait_for_regions(len(annotation.items()))
    editor.wait_for_arrows(sum(len(event.arguments) for event in annotation.events))
    return editor


def pulled(client: Client, schema: LabelSchema, work: Path) -> Annotation:
    """The one annotation that came back, read without an issue."""
    report = pull(client, schema, work=work)
    assert report.issues == 0
    (annotation,) = read_snapshot(Path(report.snapshot)).annotations()
    return annotation


def test_the_page_shows_the_article_and_its_pre_annotation(opened: Editor, annotation: Annotation) -> None:
    assert opened.text() == TEXT
    shown = sorted((one.type, one.text) for one in opened.regions())
    assert shown == sorted((item.type, TEXT[item.start : item.end]) for item in annotation.items())
    assert sorted(opened.arrows()) == ["attacker", "instrument", "target"]


def test_corrections_come_back_exactly(
    client: Client, opened: Editor, schema: LabelSchema, annotation: Annotation, tmp_path: Path
) -> None:
    facility = next(label.hotkey for label in schema.entity_types if label.name == "Facility")
    assert facility is not None
    port, harbour, fired, attack, friday = map(
        place, ("Port Anselm", "harbour of Re\u0301gnis", "fired", "attack", "Friday")
    )
    opened.delete(opened.region("Time", "Friday"))
    opened.mark(facility, *port[:2])
    opened.unselect()
    opened.mark(facility, *harbour[:2])
    opened.unselect()
    opened.link(opened.region("Attack", "fired"), opened.region("Facility", "Port Anselm"), "place")
    opened.set_attribute(opened.region("Attack", "attack"), "hypothetical")
    opened.submit()

    came_back = pulled(client, schema, tmp_path)
    assert came_back.state == "submitted"
    removed = {("Time", *friday), ("Attack", *attack)}
    added = {
        ("Facility", *port),
        ("Facility", *harbour),
        ("Attack", *attack, ("modality", "hypothetical")),
        ("Attack", *fired, "place", *port),
    }
    assert said(came_back) == said(annotation) - removed | added


def test_nothing_done_is_nothing_changed(
    client: Client, opened: Editor, schema: LabelSchema, annotation: Annotation, tmp_path: Path
) -> None:
    # A key that is no hotkey must not set an attribute, least of all one that is not for this span.
    hotkeys = {label.hotkey for label in (*schema.entity_types, *schema.event_types)}
    stray = sorted(set("abcdefghijklmnopqrstvwxyz1234567890") - hotkeys)
    assert stray
    opened.select(opened.region("Attack", "fired"))
    for key in stray:
        opened.page.keyboard.press(key)
    opened.unselect()
    opened.submit()
    assert said(pulled(client, schema, tmp_path)) == said(annotation)


def test_a_skipped_task_comes_back_as_skipped(
    client: Client, editor: Editor, schema: LabelSchema, article: Article, annotation: Annotation, tmp_path: Path
) -> None:
    pushed = push(client, schema, [(article, annotation)], work=tmp_path, title=tmp_path.name)
    editor.skip_first(pushed.project_id)
    assert pulled(client, schema, tmp_path).state == "skipped"


def test_arrows_stay_off_the_text(opened: Editor) -> None:
    lines, roles = opened.boxes()
    assert len(lines) == 3
    assert len(roles) == 3
    assert not [(line, role) for line in lines for role in roles if overlap(line, role)]


def test_no_arrow_goes_through_a_role(opened: Editor) -> None:
    _, roles = opened.boxes()
    lines = opened.arrow_lines()
    assert len(lines) == len(roles) == 3
    assert not [(line, role) for line in lines for role in roles if overlap(line, role)]


def test_no_type_is_cut(opened: Editor) -> None:
    assert opened.cut_types() == []


def test_events_are_told_from_entities_without_their_colour(opened: Editor) -> None:
    def look(type_name: str, text: str) -> tuple[str, str]:
        style = "(part) => { const s = getComputedStyle(part); return [s.borderBottomWidth, s.backgroundColor]; }"
        parts = opened.page.locator(opened.region(type_name, text).css)
        width, background = parts.last.evaluate(style)
        return width, background

    assert look("Attack", "fired") == ("3px", "rgba(0, 0, 0, 0)")
    width, background = look("Time", "Friday")
    assert width == "1px"
    assert background != "rgba(0, 0, 0, 0)"


def overlap(one: Box, other: Box) -> bool:
    return one.left < other.right and other.left < one.right and one.top < other.bottom and other.top < one.bottom
