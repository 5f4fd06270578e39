"""Make the screenshots in docs/: `python scripts/screenshot.py [ARTICLE | report]`.

Needs Chromium and the development packages. ARTICLE: screenshots of the annotation page, with the gold annotation of
this article of the sample, in a temporary project of the local Label Studio, which is started if necessary. `report`:
screenshots of the report on a simulated project, without a server.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from curation.annotation import Annotation, Annotator
from curation.article import Article
from curation.files import whole_file
from curation.formats.articles import good_articles
from curation.formats.inline_markup import read_folder
from curation.jobs.report import report
from curation.jobs.review import note
from curation.labelstudio import TaskSpec, local_server, push
from curation.labelstudio.client import Client
from curation.labelstudio.constants import ADJUDICATE, NOTE
from curation.project import Project
from curation.review.pseudonyms import FILE as PSEUDONYMS

sys.path.insert(0, str(Path(__file__).parent))
from annotator_api import tasks
from simulated_project import make_project

from curation.review.adjudication import merge

ROOT = Path(__file__).resolve().parent.parent
ARTICLE = "ins-0011-mothwing-convoy-strike"
TITLE = "Annotation page"
PAIR = "ins-0003"
"""The article in the screenshot of two annotations side by side."""


def main() -> None:
    """Write docs/annotation-page.png, the same in dark, docs/annotation-role.png and docs/annotation-decide.png."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ARTICLE
    if wanted == "report":
        report_pictures(ROOT / "docs")
        return
    project = Project.open(ROOT / "curation.toml")
    schema = project.load_schema()
    article = next(one for one in good_articles([ROOT / "corpus" / "articles"]) if one.id == wanted)
    by_hand = Annotator(kind="engine", name="gold", version="1.0.0")
    (annotation,) = read_folder(ROOT / "corpus" / "gold", [article], schema, by_hand, state="predicted")
    running = local_server.start(project.studio, on_progress=print)
    with Client(running.url, running.api_key) as client, tempfile.TemporaryDirectory() as work:
        pushed = push(client, schema, [(article, annotation)], work=Path(work), title=TITLE)
        push(client, schema, [to_decide(article, annotation)], work=Path(work), title=TITLE)
        (deciding,) = [task.id for task in tasks(client, pushed.project_id) if len(task.predictions) > 1]
        try:
            with sync_playwright() as playwright:
                browser = launch(playwright)
                page = browser.new_page(viewport={"width": 1366, "height": 768})
                sign_in(page, running)
                page.goto(f"{running.url}/projects/{pushed.project_id}/data?labeling=1")
                pictures(page, ROOT / "docs")
                page.goto(f"{running.url}/projects/{pushed.project_id}/data?task={deciding}")
                page.locator(".curation-note").wait_for()
                page.locator(".relations-overlay g[id]").first.wait_for()
                shoot(page, ROOT / "docs" / "annotation-decide.png")
                browser.close()
        finally:
            client.delete(f"/api/projects/{pushed.project_id}/")


def to_decide(article: Article, annotation: Annotation) -> TaskSpec:
    """An adjudication task: the annotation, and a copy of it with three mistakes."""
    entities = list(annotation.entities)
    entities[0] = entities[0].model_copy(update={"type": "Vehicle"})
    entities[1] = entities[1].model_copy(update={"start": article.text.index("convoy")})
    entities.remove(next(one for one in entities if one.type == "Quantity"))
    ids = {one.id for one in (*entities, *annotation.events)}
    events = [
        one.model_copy(update={"arguments": tuple(each for each in one.arguments if each.filler in ids)})
        for one in annotation.events
    ]
    events[0] = events[0].model_copy(update={"arguments": events[0].arguments[1:]})
    other = annotation.model_copy(update={"id": "other", "entities": tuple(entities), "events": tuple(events)})
    names = ["04c5bfa753", "dd902d9b85"]
    merged = merge([annotation, other], article.text)
    return TaskSpec(
        article,
        merged.annotation,
        purpose=ADJUDICATE,
        variants=tuple((f"by {name}", one) for name, one in zip(names, (annotation, other), strict=True)),
        data={NOTE: note(merged, names, article.text)},
        people=0,
    )


def report_pictures(folder: Path) -> None:
    """The top of the report, and its reader with two annotations side by side."""
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        project = make_project(Path(work))
        with whole_file(project.work / PSEUDONYMS) as file:
            file.write("5" * 64 + "\n")  # fixed pseudonyms: the same screenshots from the same corpus
        made = report(project)
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1366, "height": 900})
        page.goto(Path(made.output).as_uri())
        page.screenshot(
            path=folder / "report.png", clip={"x": 0, "y": 0, "width": 1366, "height": 1700}, full_page=True
        )
        page.set_viewport_size({"width": 1366, "height": 860})
        page.select_option("#reader-only", "differ")
        page.fill("#reader-query", PAIR)
        page.get_by_text("1 of 28 articles").wait_for()
        page.evaluate("document.getElementById('reader').scrollIntoView()")
        page.screenshot(path=folder / "report-reader.png")
        browser.close()


def launch(playwright: Playwright) -> Browser:
    """Start the Chromium of this machine."""
    return playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])


def sign_in(page: Page, running: local_server.Studio) -> None:
    """Log in through the login page."""
    page.goto(f"{running.url}/user/login/")
    page.fill("input[name=email]", running.username)
    page.fill("input[name=password]", running.password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/user/login" not in url)


def pictures(page: Page, folder: Path) -> None:
    """The page with a selected event, in both themes, and the list of roles."""
    instructions = page.get_by_text("Labeling Instructions")
    instructions.wait_for()
    page.keyboard.press("Escape")
    instructions.wait_for(state="detached")
    page.locator(".relations-overlay g[id]").first.wait_for()
    page.locator(".htx-highlight[data-label$=':Attack']").first.click()
    page.locator(".curation-attribute:visible").wait_for()
    shoot(page, folder / "annotation-page.png")
    page.get_by_text("Light", exact=True).click()
    shoot(page, folder / "annotation-page-dark.png")
    for theme in ("Dark", "Auto"):
        page.get_by_text(theme, exact=True).click()
    page.locator("#Relations-draggable").click()
    arrow = page.locator('[class*="relations__item"]').nth(1)
    arrow.hover()
    arrow.get_by_label("Show Relation Labels").click()
    arrow.locator("[data-testid^=select-trigger]").click()
    shoot(page, folder / "annotation-role.png")


def shoot(page: Page, path: Path) -> None:
    """A screenshot without the mouse pointer's hover effects."""
    page.mouse.move(1200, 350)
    page.wait_for_timeout(500)  # colours and tooltips fade
    page.screenshot(path=path)


if __name__ == "__main__":
    main()
