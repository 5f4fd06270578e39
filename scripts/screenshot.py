"""Make the pictures of the annotation page in docs/ again: `python scripts/screenshot.py [ARTICLE]`.

Needs Chromium and the development packages. It starts the project's Label Studio if it does not run, shows the
article of the sample corpus with its gold annotation in a project of its own, and removes that project again.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from curation.annotation import Annotator
from curation.formats.articles import good_articles
from curation.formats.inline import read_folder
from curation.labelstudio import studio
from curation.labelstudio.client import Client
from curation.labelstudio.push import push
from curation.project import load_project

ROOT = Path(__file__).resolve().parent.parent
ARTICLE = "ins-0011-mothwing-convoy-strike"
TITLE = "Annotation page"


def main() -> None:
    """Write docs/annotation-page.png, its dark twin, and docs/annotation-role.png."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ARTICLE
    project = load_project(ROOT / "curation.toml")
    schema = project.load_schema()
    article = next(one for one in good_articles([ROOT / "corpus" / "articles"]) if one.id == wanted)
    by_hand = Annotator(kind="engine", name="gold", version="1.0.0")
    (annotation,) = read_folder(ROOT / "corpus" / "gold", [article], schema, by_hand, state="predicted")
    running = studio.start(project.studio, on_progress=print)
    with Client(running.url, running.api_key) as client, tempfile.TemporaryDirectory() as work:
        pushed = push(client, schema, [(article, annotation)], work=Path(work), title=TITLE)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": 1366, "height": 768})
                sign_in(page, running)
                page.goto(f"{running.url}/projects/{pushed.project_id}/data?labeling=1")
                pictures(page, ROOT / "docs")
                browser.close()
        finally:
            client.delete(f"/api/projects/{pushed.project_id}/")


def sign_in(page: Page, running: studio.Studio) -> None:
    """Log in as an annotator does."""
    page.goto(f"{running.url}/user/login/")
    page.fill("input[name=email]", running.username)
    page.fill("input[name=password]", running.password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/user/login" not in url)


def pictures(page: Page, folder: Path) -> None:
    """The page with an event selected, in both themes, and the list of roles."""
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
    """A picture without the marks of the mouse."""
    page.mouse.move(1200, 350)
    page.wait_for_timeout(500)  # colours and tooltips fade
    page.screenshot(path=path)


if __name__ == "__main__":
    main()
