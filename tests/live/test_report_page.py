"""The report in Chromium: no network, nothing run, nothing wider than a phone, and what its reader shows is right."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from curation.annotation import Annotation, Annotator, Argument, Entity, Event
from curation.article import Article
from curation.jobs.report import ReportResult, report
from curation.labelstudio import latest_snapshot, read_snapshot
from curation.metrics.matching import compare
from curation.project import Project
from curation.schema import LabelSchema

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import simulated_project
from simulated import ANNOTATORS

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.browser

EVIL = "</script><script>window.evil=1</script><img src=x onerror=window.evil=2>"
HOSTILE = Article(
    id='"><svg/onload=window.evil=3>',
    title=EVIL,
    source="javascript:window.evil=4",
    text=f"{EVIL} \u202egnp.exe\u2028 {{{{ 7*7 }}}} ${{7*7}} \U0001f680 Kelmar\u2019s \u05d1\u05d5\u05e7\u05e8\n"
    f"\u05e9\u05dc\u05d5\u05dd Kelmar \u05e2\u05d5\u05dc\u05dd\n{'W' * 4000}\n\n\x1b[31m Torvan shelled Orrin.\n",
)
SIZES = {"phone": (390, 844), "desktop": (1366, 768)}


def said(schema: LabelSchema, label: str) -> Annotation:
    """Nested and crossing spans over markup, emoji and Hebrew, one with a label that is markup."""
    text = HOSTILE.text

    def at(words: str) -> dict[str, int]:
        return {"start": text.index(words), "end": text.index(words) + len(words)}

    return Annotation(
        id="x",
        article_id=HOSTILE.id,
        text_sha256=HOSTILE.text_sha256,
        schema=schema.ref,
        annotator=Annotator(kind="person", name="1"),
        entities=(
            Entity(id="e1", type="GPE", **at("</script><script>")),
            Entity(id="e2", type="Person", **at("<script>window")),
            Entity(id="e3", type=label, **at("script>window.evil=1<")),
            Entity(id="e4", type="GPE", **at("Torvan")),
            Entity(id="e5", type="GPE", **at("Orrin")),
            Entity(id="e6", type="GPE", **at("\u05e9\u05dc\u05d5\u05dd")),
        ),
        events=(
            Event(
                id="v1",
                type="Attack",
                arguments=(Argument(role="attacker", filler="e4"), Argument(role="target", filler="e5")),
                **at("shelled"),
            ),
        ),
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Six articles of the sample and a hostile one, answered by the simulated annotators."""
    folder = tmp_path_factory.mktemp("report")
    hostile = folder / "hostile.jsonl"
    hostile.write_text(HOSTILE.to_json() + "\n", encoding="utf-8")
    sample = sorted((ROOT / "corpus" / "articles").glob("ins-*.txt"))[2:8]

    def add(tasks: list[dict[str, Any]]) -> None:
        schema = simulated_project.Project.open(folder / "curation.toml").load_schema()
        evil, plain = said(schema, "<img/src=x/onerror=window.evil=5>"), said(schema, "Object")
        answers = [(2, ANNOTATORS[0], evil), (3, ANNOTATORS[1], plain)]
        tasks.append(simulated_project.exported_task(99, HOSTILE, None, answers, schema))

    return simulated_project.make_project(folder, change=add, articles=json.dumps([*map(str, sample), str(hostile)]))


@pytest.fixture(scope="module")
def made(project: Project) -> ReportResult:
    return report(project)


@pytest.fixture(params=[(size, scheme) for size in SIZES for scheme in ("light", "dark")], ids="-".join)
def page(request: pytest.FixtureRequest, browser: Browser, made: ReportResult) -> Iterator[Page]:
    """The page from its file, in a browser without a network. It must leave no error behind."""
    size, scheme = request.param
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, offline=True)
    page = context.new_page()
    seen: list[str] = []
    page.on("console", lambda message: seen.append(message.text))
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda asked: seen.append(asked.url) if asked.url != page.url else None)
    page.goto(Path(made.output).as_uri())
    seen.clear()  # the page itself was asked for
    page.reload()
    yield page
    assert page.evaluate("window.evil") is None
    assert page.evaluate("document.scripts.length") == 2
    assert page.evaluate("document.querySelectorAll('img, svg[onload], iframe, object').length") == 0
    assert page.evaluate("document.documentElement.scrollWidth") == width
    context.close()
    assert seen == []


def shown(page: Page) -> int:
    return int((page.inner_text("#reader-count")).split()[0])


def test_the_page(page: Page, made: ReportResult, project: Project) -> None:
    assert page.inner_text("h1").startswith("conflict-news")
    assert page.locator("svg.plot").count() >= 10
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 28)"
    assert dark == page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")

    # every article is there, and the hostile one is text
    assert shown(page) == 7
    page.fill("#reader-query", "window.evil=2")
    expect(page.locator("#reader-count")).to_have_text(re.compile("^1 of "))
    assert EVIL in page.inner_text("#reader-pane h3")
    text = page.evaluate("[...document.querySelectorAll('.text p')].map(p => p.textContent).join('\\n')")
    assert EVIL in text
    assert "\u202e" not in text
    assert page.locator(".text p").nth(1).get_attribute("dir") == "auto"
    page.select_option("#reader-two", index=1)
    assert page.locator(".mark[data-label^='<img']").count() >= 1
    assert EVIL.split("window")[0] in page.inner_text(".pair p >> nth=0")
    page.fill("#reader-query", "")
    expect(page.locator("#reader-count")).to_have_text(re.compile("^7 of "))

    # filters
    data = json.loads(page.inner_text("#data") or page.evaluate("document.getElementById('data').textContent"))
    attack = data["labels"].index("Attack")
    holding = [
        one for one in data["articles"] if any(item[2] == attack for who in one["annotations"] for item in who["items"])
    ]
    page.select_option("#reader-type", label="Attack")
    assert shown(page) == len(holding)
    page.select_option("#reader-type", "")
    page.select_option("#reader-only", "differ")
    assert shown(page) == sum(one["differ"] > 0 for one in data["articles"])
    assert page.input_value("#reader-two") != "-1"  # two people stand side by side at once
    page.select_option("#reader-only", "")
    pseudonym = made.work.people[0].key
    page.select_option("#reader-who", label=pseudonym.removeprefix("person:"))
    assert shown(page) == sum(
        any(data["who"][one["who"]] == pseudonym for one in article["annotations"]) for article in data["articles"]
    )
    page.select_option("#reader-who", "")


@pytest.mark.parametrize("page", [("desktop", "dark")], indirect=True, ids="-".join)
def test_side_by_side_says_what_compare_says(page: Page, project: Project) -> None:
    folder = latest_snapshot(project.work)
    assert folder is not None
    by_article: dict[str, list[Annotation]] = {}
    for one in read_snapshot(folder).annotations():
        if one.state == "submitted":
            by_article.setdefault(one.article_id, []).append(one)
    words = {"same": "the same", "type": "another type", "border": "another border", "both": "another type and border"}
    compared = 0
    for article_id, both in by_article.items():
        if len(both) < 2:
            continue
        page.fill("#reader-query", article_id)
        expect(page.locator("#reader-pane")).to_contain_text(article_id)
        page.select_option("#reader-one", index=0)
        page.select_option("#reader-two", index=1)
        told = page.inner_text("#reader-verdict")
        # who stands first is told by pseudonym; counts of what only one says may change places
        seen = compare(*both)
        kinds: Counter[str] = Counter(
            "attributes" if pair.kind == "same" and pair.reference.attributes != pair.other.attributes else pair.kind
            for pair in (*seen.entities, *seen.events)
        )
        for kind, word in words.items():
            found = re.search(rf"(\d+) {word}[,.]", told)
            assert (int(found.group(1)) if found else 0) == kinds[kind], (article_id, told, kinds)
        alone = sorted(int(count) for count in re.findall(r"(\d+) only", told))
        expected = (kinds["missed"], kinds["spurious"], len(seen.arguments_missed), len(seen.arguments_spurious))
        assert alone == sorted(count for count in expected if count)
        assert page.locator(".mark.wrong.alone").count() >= kinds["missed"] + kinds["spurious"] > 0 or not (
            kinds["missed"] + kinds["spurious"]
        )
        compared += 1
        page.check("#reader-only-differ")
        assert page.locator(".pair").count() == page.locator(".pair.both").count()
        page.uncheck("#reader-only-differ")
    assert compared >= 3


@pytest.mark.parametrize("page", [("phone", "dark"), ("desktop", "light")], indirect=True, ids="-".join)
def test_arrows_keep_off_the_text(page: Page) -> None:
    page.fill("#reader-query", "gharn-pass")
    expect(page.locator("#reader-count")).to_have_text(re.compile("^1 of "))
    # by keyboard: a trigger takes the focus, and Enter draws its arrows
    trigger = page.locator(".mark.event[role=button]").first
    trigger.focus()
    page.keyboard.press("Enter")
    assert page.locator(".text svg path.arc").count() == page.locator(".event-card").first.locator("dt").count() > 0
    page.select_option("#reader-arcs", "all")
    assert page.locator(".text svg path.arc").count() > 20
    crossed = page.evaluate(
        """() => {
          const box = document.querySelector('.text'), base = box.getBoundingClientRect(), rows = [];
          const walk = document.createTreeWalker(box, NodeFilter.SHOW_TEXT, node =>
            node.parentElement.closest('svg') ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
          while (walk.nextNode()) {
            const range = document.createRange();
            range.selectNodeContents(walk.currentNode);
            for (const one of range.getClientRects())
              rows.push([one.left - base.left, one.right - base.left,
                one.top - base.top + 4, one.bottom - base.top - 4]);
          }
          let crossed = 0;
          for (const arc of box.querySelectorAll('path.arc')) {
            let x, y;
            for (const [, what, one, two] of arc.getAttribute('d').matchAll(/([MVH])([-\\d.]+)(?: ([-\\d.]+))?/g)) {
              if (what === 'M') [x, y] = [+one, +two];
              else if (what === 'V') y = +one;
              else {
                const [low, high] = [Math.min(x, +one), Math.max(x, +one)];
                crossed += rows.some(
                  ([left, right, top, bottom]) => top < y && y < bottom && left < high && low < right);
                x = +one;
              }
            }
          }
          return crossed;
        }"""
    )
    assert crossed == 0


@pytest.mark.parametrize("page", [("phone", "light")], indirect=True, ids="-".join)
def test_a_finding_opens_its_article(page: Page, made: ReportResult) -> None:
    assert made.checks is not None
    page.locator("button.open").first.click()
    assert made.checks.strongest[0].article_id in page.inner_text("#reader-pane")
    assert page.locator("#reader-pane .findings li").count() >= 1
