"""Each kind of finding on hand-made annotations: found where it should be, and not where all is well."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from curation.annotation import Annotation, Annotator, Argument, Entity, Event
from curation.article import Article
from curation.formats.inline_markup import parse
from curation.review.checks import KINDS, Checks, Document, Finding, Kind
from curation.schema import LabelSchema

_MARK = re.compile(r"\[([^\[\]]*)\]\([^()]*\)")
PLACES = ("Orlan", "Pellas", "Quorra", "Sella", "Tarnow", "Umbra", "Vell", "Wistan", "Yarrow", "Zemlin")


def plain(marked: str) -> str:
    while _MARK.search(marked):
        marked = _MARK.sub(r"\1", marked)
    return marked


def document(schema: LabelSchema, marked: str, name: str = "kel-1", engine: str | None = None) -> Document:
    article = Article(id=name, text=plain(marked))
    said = parse(marked, article, schema, Annotator(kind="person", name="1"))
    other = parse(engine, article, schema, Annotator(kind="engine", name="rules")) if engine else None
    return Document(article, said, other)


def corpus(schema: LabelSchema, pattern: str, engine: str | None = None) -> list[Document]:
    """The same sentence about ten places, `@`: what is usual."""
    return [
        document(schema, pattern.replace("@", place), f"usual-{place}", engine.replace("@", place) if engine else None)
        for place in PLACES
    ]


def found(
    schema: LabelSchema | None,
    documents: Sequence[Document],
    kind: Kind | None = None,
    *,
    dismissed: Sequence[str] = (),
) -> list[Finding]:
    """The findings of one kind, or all, by rank."""
    checks = Checks(schema, kinds=[kind] if kind else (), dismissed=dismissed)
    for one in documents:
        checks.learn(one)
    return sorted(
        (finding for one in documents for finding in checks.findings(one)),
        key=lambda finding: (-finding.score, finding.id),
    )


def text(one: Document, finding: Finding) -> str:
    return one.text[finding.spans[0].start : finding.spans[0].end]


USUAL = (
    "[Rebels](ArmedGroup #e1 mention=nominal) [shelled](Attack #v1 attacker=e1 target=e2 time=e3) "
    "[@](GPE #e2) on [Monday](Time #e3). [Kavoria](GPE #e4) [condemned](Contact #v2 communicator=e4 topic=v3) "
    "the [attack](Attack #v3)."
)


@pytest.fixture(scope="module")
def usual(schema: LabelSchema) -> list[Document]:
    return corpus(schema, USUAL)


# What is wrong with one more article like the usual ones: kind, annotation, where the finding is.
_NO_MONDAY = USUAL.replace("[Monday](Time #e3)", "Monday").replace(" time=e3", "")
_OFFENSIVE = USUAL.replace("shelled](Attack", "shelled](Offensive").replace(" target=e2", "")
_NO_ATTACK = USUAL.replace("[attack](Attack #v3)", "attack").replace(" topic=v3", "")
_HALF = USUAL.replace("[Kavoria](GPE #e4)", "[Kavo](GPE #e4)ria")
WRONG: dict[str, tuple[Kind, str, str]] = {
    "type of a span": ("unusual-type", USUAL.replace("[Kavoria](GPE", "[Kavoria](Location"), "Kavoria"),
    "type of an event": ("unusual-type", _OFFENSIVE, "shelled"),
    "too much": ("unusual-mark", USUAL.replace("the [attack]", "[the](Person) [attack]"), "the"),
    "left out": ("unusual-gap", _NO_MONDAY, "Monday"),
    "trigger left out": ("unmarked-trigger", _NO_ATTACK, "attack"),
    "other role": ("unusual-role", USUAL.replace("attacker=e1 target=e2", "attacker=e2 target=e1"), "shelled"),
    "argument left out": ("usual-argument", USUAL.replace(" time=e3", ""), "shelled"),
    "attribute": ("attribute", USUAL.replace("(Attack #v3)", "(Attack #v3 modality=denied)"), "attack"),
    "like elsewhere": ("label-elsewhere", USUAL.replace("[Kavoria](GPE", "[Kavoria](Location"), "Kavoria"),
    "marked elsewhere": ("unmarked-elsewhere", _NO_MONDAY, "Monday"),
    "word too many": ("border", USUAL.replace("the [attack](Attack", "[the attack](Attack"), "the attack"),
    "half a word": ("border", _HALF, "Kavo"),
    "white space": ("border", USUAL.replace("[Kavoria](GPE #e4) ", "[Kavoria ](GPE #e4)"), "Kavoria "),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_differs_from_the_usual_is_found(name: str, schema: LabelSchema, usual: list[Document]) -> None:
    """The wrong span leads, and no finding of that kind is as strong where all is well."""
    kind, marked, where = WRONG[name]
    wrong = document(schema, marked.replace("@", "Brannoch"), "wrong")
    first, *rest = found(schema, [*usual, wrong], kind)
    assert (first.article_id, first.kind, text(wrong, first)) == ("wrong", kind, where)
    assert all(other.score < first.score for other in rest if other.article_id != "wrong")
    assert where.strip() in first.message


def test_nothing_strong_where_all_is_well(schema: LabelSchema, usual: list[Document]) -> None:
    assert all(finding.score < 0.2 for finding in found(schema, usual))


def test_strings_of_one_article(schema: LabelSchema) -> None:
    """A string that is labelled otherwise twice beside it, and one that is left out."""
    marked = "[Harl](GPE) fell. [Harl](GPE) burned. [Harl](Person) wept. [Sarn](GPE) slept. [Sarn](GPE) woke. Sarn ate."
    one = document(schema, marked)
    assert text(one, found(schema, [one], "label-here")[0]) == "Harl"
    (left_out,) = found(schema, [one], "unmarked-here")
    assert left_out.spans[0].start == one.text.rindex("Sarn")
    assert left_out.labels == ("GPE",)
    assert not found(schema, [document(schema, "[Harl](GPE) fell. [Harl](GPE) burned.")], "label-here")


def test_a_word_that_is_seldom_a_trigger(schema: LabelSchema) -> None:
    documents = [document(schema, f"{place} said it was so.", place) for place in PLACES]
    odd = document(schema, "Ozren [said](Attack) it was so.", "odd")
    (finding,) = found(schema, [*documents, odd], "odd-trigger")
    assert (finding.article_id, finding.labels) == ("odd", ("Attack",))


def test_fillers_that_the_schema_does_not_foresee(schema: LabelSchema) -> None:
    marked = "[Monday](Time #e1) [shelled](Attack #v1 attacker=e2) [Rebels](ArmedGroup #e2)."
    one = document(schema, marked)
    assert not found(schema, [one], "filler-type")
    wrong = one.said.events[0].model_copy(update={"arguments": (Argument(role="attacker", filler="e1"),)})
    two = Document(one.article, one.said.model_copy(update={"events": (wrong,)}))
    (finding,) = found(schema, [two], "filler-type")
    assert finding.labels == ("Time", "Attack", "attacker")
    assert finding.score > 0.9
    assert not found(None, [two], "filler-type"), "another ontology's labels are not judged by our schema"


def test_a_required_role(schema: LabelSchema) -> None:
    record = schema.model_dump()
    for role in record["event_types"][0]["roles"]:
        role["required"] = role["name"] == "target"
    strict = LabelSchema.model_validate(record)
    with_target = document(strict, "They [shelled](Attack #v1 target=e1) [Harl](GPE #e1).")
    without = document(strict, "They [shelled](Attack #v1) [Harl](GPE #e1).", "kel-2")
    (finding,) = found(strict, [with_target, without], "role-missing")
    assert (finding.article_id, finding.labels) == ("kel-2", ("Attack", "target"))


LINKS: dict[Kind, str] = {
    "two-roles": "[Rebels](ArmedGroup #e1) [shelled](Attack #v1 attacker=e1 target=e1) it.",
    "circle": "[Talks](Negotiation #v1 topic=v2) [halted](Ceasefire #v2 halted=v1) it.",
    "far-filler": "[Rebels](ArmedGroup #e1) came.\n\nThey [shelled](Attack #v1 attacker=e1) it.",
    "overlap": "[[Harl](GPE) town](GPE) burned.",
}


@pytest.mark.parametrize("kind", LINKS)
def test_rare_patterns(kind: Kind, schema: LabelSchema, usual: list[Document]) -> None:
    """Each is found once, where it stands, and not in articles without it."""
    wrong = document(schema, LINKS[kind], "wrong")
    (finding,) = found(schema, [*usual, wrong], kind)
    assert finding.article_id == "wrong"
    assert not found(schema, usual, kind)


def test_a_pattern_that_is_usual_is_no_mistake(schema: LabelSchema) -> None:
    nested = corpus(schema, "[[@](GPE) town](GPE) burned.")
    (once,) = found(schema, [*corpus(schema, USUAL), nested[0]], "overlap")
    assert all(finding.score < once.score for finding in found(schema, nested, "overlap"))


def test_one_trigger_twice(schema: LabelSchema, usual: list[Document]) -> None:
    one = document(schema, "They [shelled](Attack #v1) it.", "wrong")
    double = (*one.said.events, Event(id="v2", start=5, end=12, type="Attack"))
    wrong = Document(one.article, one.said.model_copy(update={"events": double}))
    (finding,) = found(schema, [*usual, wrong], "doubled-event")
    assert text(wrong, finding) == "shelled"
    assert not found(schema, [*usual, one], "doubled-event")


def test_an_engine_that_is_usually_right(schema: LabelSchema) -> None:
    """What people usually accept is a finding where they did not, and what they usually refuse is none."""
    said = "[@](GPE) burned on [Monday](Time). Again."
    agreeing = corpus(schema, said, engine=said.replace("Again", "[Again](Object)"))
    person = said.replace("[Monday](Time)", "Monday").replace("@", "Brannoch")
    engine = said.replace("Again", "[Again](Object)").replace("@", "Brannoch")
    wrong = document(schema, person, "wrong", engine)
    first, *rest = found(schema, [*agreeing, wrong], "engine")
    assert (first.article_id, text(wrong, first), first.labels) == ("wrong", "Monday", ("Time",))
    assert all(finding.score < first.score / 2 for finding in rest)


def test_tokens_with_cleanlab(schema: LabelSchema, usual: list[Document]) -> None:
    pytest.importorskip("cleanlab")
    wrong = document(schema, USUAL.replace("@", "Brannoch").replace("[Monday](Time", "[Monday](Person"), "wrong")
    first = found(schema, [*usual, wrong], "tokens")[0]
    assert (first.article_id, text(wrong, first), first.labels) == ("wrong", "Monday", ("Person", "Time"))
    assert "tokens" not in {finding.kind for finding in found(schema, [*usual, wrong])}


def test_another_schema(recalls: LabelSchema) -> None:
    """Nothing knows the labels of one domain."""
    entity, event = recalls.entity_names[0], recalls.event_types[0]
    role = next(role.name for role in event.roles if entity in recalls.fillers[event.name, role.name])
    good = f"Today Larkhill [recalled]({event.name} #v1 {role}=e1) [@]({entity} #e1) at once."
    other = good.replace(f"({entity}", f"({recalls.entity_names[1]}").replace(f" {role}=e1", "")
    wrong = document(recalls, other.replace("@", "Orlan"), "wrong")
    findings = found(recalls, [*corpus(recalls, good), wrong])
    assert [(finding.article_id, text(wrong, finding)) for finding in findings[:2]] == [
        ("wrong", "recalled"),
        ("wrong", "Orlan"),
    ]


def test_several_doubts_of_one_span_are_one_finding(schema: LabelSchema, usual: list[Document]) -> None:
    marked = USUAL.replace("[Kavoria](GPE", "[Kavoria](Location").replace("@", "Brannoch")
    wrong = document(schema, marked, "wrong")
    everything = found(schema, [*usual, wrong])
    here = [finding for finding in everything if finding.article_id == "wrong" and text(wrong, finding) == "Kavoria"]
    assert len(here) == 1
    assert {"label-elsewhere", "unusual-type"} <= {here[0].kind, *(other.kind for other in here[0].also)}
    assert len(set(here[0].ids)) == len(here[0].ids) == 1 + len(here[0].also)
    (alone,) = (finding for finding in found(schema, [*usual, wrong], here[0].kind) if finding.id == here[0].id)
    assert here[0].score > alone.score, "more hints make it likelier"


def test_findings_are_the_same_in_every_run_and_order(schema: LabelSchema, usual: list[Document]) -> None:
    wrong = document(schema, WRONG["other role"][1].replace("@", "Brannoch"), "wrong")
    once = found(schema, [*usual, wrong])
    again = found(
        schema, [*corpus(schema, USUAL), document(schema, WRONG["other role"][1].replace("@", "Brannoch"), "wrong")]
    )
    assert once == again
    assert [finding.id for finding in found(schema, [wrong, *reversed(usual)])] == [finding.id for finding in once]


def test_a_dismissed_finding_stays_away(schema: LabelSchema, usual: list[Document]) -> None:
    """Also after an edit elsewhere in the annotation; not when what was in finding is changed again."""
    marked = USUAL.replace("[Kavoria](GPE", "[Kavoria](Location").replace("@", "Brannoch")
    wrong = document(schema, marked, "wrong")
    (finding,) = found(schema, [*usual, wrong], "unusual-type")[:1]
    edited = document(
        schema, marked.replace("[Monday](Time #e3)", "[Monday](Object #e3)").replace(" time=e3", ""), "wrong"
    )
    assert finding.id in {other.id for other in found(schema, [*usual, edited], "unusual-type")}
    assert finding.id not in {
        other.id for other in found(schema, [*usual, edited], "unusual-type", dismissed=[finding.id])
    }
    changed = document(schema, marked.replace("Location", "Person"), "wrong")
    left = found(schema, [*usual, changed], "unusual-type", dismissed=[finding.id])
    assert text(changed, left[0]) == "Kavoria"


def test_odd_input_is_no_trouble(schema: LabelSchema) -> None:
    """Nothing annotated, spans of signs alone, a text without a single word."""
    article = Article(id="signs", text="— … !\n\n\U0001f680\u202e(")
    said = Annotation(
        id="a",
        article_id="signs",
        text_sha256=article.text_sha256,
        schema=schema.ref,
        annotator=Annotator(kind="person", name="1"),
        entities=(Entity(id="e1", start=0, end=3, type="Person"), Entity(id="e2", start=1, end=2, type="Unheard")),
        events=(Event(id="v1", start=7, end=8, type="Unheard", arguments=(Argument(role="odd", filler="e2"),)),),
    )
    empty = Document(Article(id="empty", text="Nothing here."), said.model_copy(update={"entities": (), "events": ()}))
    for documents in ([Document(article, said)], [empty], [Document(article, said), empty]):
        for used in (schema, None):
            assert all(0 <= finding.score <= 1 and finding.kind in KINDS for finding in found(used, documents))


def test_without_scikit_learn_the_other_checks_run(
    schema: LabelSchema, usual: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("curation.review.checks.runner.find_spec", lambda name: None)
    checks = Checks(schema)
    assert checks.missing is not None
    assert "pip install 'curation[checks]'" in checks.missing
    wrong = document(schema, WRONG["half a word"][1].replace("@", "Brannoch"), "wrong")
    for each in (*usual, wrong):
        checks.learn(each)
    assert "border" in {finding.kind for finding in checks.findings(wrong)}
    assert Checks(schema, kinds=["border"]).missing is None
