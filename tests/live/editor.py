"""Label Studio's editor as an annotator uses it: eyes, mouse and keys, nothing behind its back."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from playwright.sync_api import Page, TimeoutError, expect

TEXT_NODES = """
    // Where the letter with the code point `offset` of the article stands on the screen: all code points that are
    // drawn as one letter. A line break is one code point.
    const letters = new Intl.Segmenter(undefined, {granularity: 'grapheme'});
    const place = (offset) => {
        const root = document.querySelector('[class*="htx-richtext"]');
        const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            if (node.nodeName === 'BR') { offset -= 1; continue; }
            if (node.nodeType !== Node.TEXT_NODE) continue;
            const points = [...node.data];
            if (offset < points.length) {
                const letter = letters.segment(node.data).containing(points.slice(0, offset).join('').length);
                const range = document.createRange();
                range.setStart(node, letter.index);
                range.setEnd(node, letter.index + letter.segment.length);
                const leftwards = /\\p{Script=Hebrew}|\\p{Script=Arabic}/u.test(letter.segment);
                return [node, {...range.getBoundingClientRect().toJSON(), leftwards}];
            }
            offset -= points.length;
        }
        throw new Error('beyond the end of the text');
    };
"""

SETTLED = """() => {
    // A task without a prediction is drawn twice: the second time for the annotation that the page begins.
    const root = document.querySelector('[class*="htx-richtext"]');
    if (root !== window.drawn) [window.drawn, window.drawnAt] = [root, performance.now()];
    return root && performance.now() - window.drawnAt > 400;
}"""

SELECTED = """(text) => {
    const chosen = getSelection();
    return chosen.rangeCount > 0 && chosen.getRangeAt(0).cloneContents().textContent === text;
}"""

REGIONS = """() => {
    const regions = new Map();
    for (const part of document.querySelectorAll('.htx-highlight')) {
        const name = [...part.classList].find((one) => /^htx-highlight-/.test(one));
        const region = regions.get(name) ?? {css: '.' + CSS.escape(name), text: '', label: ''};
        region.text += part.textContent;
        region.label ||= part.dataset.label ?? '';
        regions.set(name, region);
    }
    return [...regions.values()];
}"""


expect.set_options(timeout=20_000)  # a busy machine


class Region(NamedTuple):
    """A span as the page shows it. `css` selects its parts."""

    type: str
    text: str
    css: str


class Box(NamedTuple):
    """Where something is on the screen, in pixels."""

    left: float
    top: float
    right: float
    bottom: float


class Editor:
    """One page of Label Studio."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.article = page.locator('[class*="htx-richtext"]')

    def sign_in(self, username: str, password: str) -> None:
        self.page.goto(f"{self.url}/user/login/")
        self.page.fill("input[name=email]", username)
        self.page.fill("input[name=password]", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(lambda url: "/user/login" not in url)

    def open(self, project: int, task: int) -> None:
        """Open a task from the project's list, and wait until its text and spans are there."""
        self.page.goto(f"{self.url}/projects/{project}/data?task={task}")
        expect(self.article).to_be_visible()
        expect(self.page.get_by_test_id("bottombar-submit-button")).to_be_enabled()
        self.page.wait_for_function(SETTLED)

    def text(self) -> str:
        """The article as the page shows it."""
        return self.article.evaluate(
            """(root) => {
                let text = '';
                const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
                for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                    text += node.nodeName === 'BR' ? '\\n' : node.nodeType === Node.TEXT_NODE ? node.data : '';
                }
                return text;
            }"""
        )

    def regions(self) -> list[Region]:
        """All spans, in the order of the text. The page names a type as `12:Person`."""
        found = self.page.evaluate(REGIONS)
        return [Region(one["label"].partition(":")[2], one["text"], one["css"]) for one in found]

    def wait_for_regions(self, number: int) -> list[Region]:
        self.page.wait_for_function(f"(number) => ({REGIONS})().length === number", arg=number)
        return self.regions()

    def wait_until_shown(self, regions: list[tuple[str, str]], arrows: list[str], after: str) -> None:
        """Wait for these spans (type and text) and roles, no more and no fewer; `after` says what was done.

        Two roles on one arrow are `agent, place`, in the order of the alphabet.
        """
        end = time.monotonic() + 10
        while True:
            shown = (
                sorted((one.type, one.text) for one in self.regions()),
                sorted(", ".join(sorted(one.split(", "))) for one in self.arrows()),
            )
            if shown == (sorted(regions), sorted(arrows)):
                return
            assert time.monotonic() < end, f"{shown} instead of {sorted(regions), sorted(arrows)} after: {after}"
            self.page.wait_for_timeout(50)

    def region(self, type_name: str, text: str) -> Region:
        """The one span of that type and text."""
        (region,) = [one for one in self.regions() if (one.type, one.text) == (type_name, text)]
        return region

    def arrows(self) -> list[str]:
        """The roles of all arrows."""
        return self.page.locator(".relations-overlay text").all_text_contents()

    def wait_for_arrows(self, number: int) -> None:
        """The page draws them after the spans."""
        expect(self.page.locator(".relations-overlay text")).to_have_count(number)

    def boxes(self) -> tuple[list[Box], list[Box]]:
        """Where the letters of each line are (without the room above and below them), and the role of each arrow."""
        lines, roles = self.page.evaluate(
            """() => {
                const box = (one) => [one.left, one.top, one.right, one.bottom];
                const range = document.createRange(), lines = [];
                for (const line of document.querySelectorAll('[class*="richtext__line"]')) {
                    range.selectNodeContents(line);
                    if (!range.collapsed) lines.push(box(range.getBoundingClientRect()));
                }
                const roles = document.querySelectorAll('.relations-overlay g g rect');
                return [lines, [...roles].map((one) => box(one.getBoundingClientRect()))];
            }"""
        )
        return [Box(*one) for one in lines], [Box(*one) for one in roles]

    def arrow_lines(self) -> list[Box]:
        """The part of each arrow that runs along the text, above it."""
        found = self.page.evaluate(
            """() => [...document.querySelectorAll('.relations-overlay g[id] > path')].map((path) => {
                const {left, top, right} = path.getBoundingClientRect();
                return [left, top - 0.75, right, top + 0.75];  // half a line each way
            })"""
        )
        return [Box(*one) for one in found]

    def cut_types(self) -> list[str]:
        """Types that the small print beside their span has no room for."""
        return self.page.evaluate(
            """() => [...document.querySelectorAll('.htx-highlight[data-label]')].map((part) => {
                const print = getComputedStyle(part, '::before');
                const pen = document.createElement('canvas').getContext('2d');
                pen.font = print.font;
                const type = JSON.parse(print.content);
                return parseFloat(print.width) < pen.measureText(type).width - 0.5 ? type : '';
            }).filter(Boolean)"""
        )

    def select(self, region: Region | int) -> None:
        """Click a span, where no other lies on it; an `int` is the code point to click."""
        css = ".htx-highlight" if isinstance(region, int) else region.css
        active = self.page.locator(f"{css}.__active").first
        self._click(region)
        try:
            active.wait_for(timeout=1500)
        except TimeoutError:
            # The editor overlooks the first click after a span was drawn over the border of another.
            self._click(region)
            active.wait_for()

    def _click(self, region: Region | int) -> None:
        if isinstance(region, int):
            letter, _ = self._places(region, region + 1)
            self.page.mouse.click((letter["left"] + letter["right"]) / 2, (letter["top"] + letter["bottom"]) / 2)
        else:
            parts = self.page.locator(region.css)
            parts.last.scroll_into_view_if_needed()
            parts.last.click()

    def unselect(self) -> None:
        self.page.keyboard.press("Escape")
        expect(self.page.locator(".htx-highlight.__active")).to_have_count(0)

    def mark(self, hotkey: str, start: int, end: int) -> None:
        """Choose a label by its key and draw it over the code points `[start, end)` with the mouse."""
        before = len(self.regions())
        self._press(hotkey)
        self.page.locator('[class*="lsf-label_selected"]').wait_for()
        self._drag(start, end)
        try:
            self.page.wait_for_function(f"(number) => ({REGIONS})().length === number", arg=before + 1, timeout=2000)
        except TimeoutError:
            self._drag(start, end)  # the editor overlooked it, as it does with clicks
            self.wait_for_regions(before + 1)
        # Quicker than any hand, the next span would get this one's label under its own control.
        expect(self.page.locator('[class*="lsf-label_selected"]')).to_have_count(0)
        self.page.wait_for_timeout(500)

    def _drag(self, start: int, end: int) -> None:
        first, last = self._places(start, end)
        mouse = self.page.mouse
        # A quarter into the letter, from the side where the text comes from.
        begin = 0.75 if first["leftwards"] else 0.25
        mouse.move(first["left"] + begin * first["width"], (first["top"] + first["bottom"]) / 2)
        mouse.down()
        finish = 0.25 if last["leftwards"] else 0.75
        across, down = last["left"] + finish * last["width"], (last["top"] + last["bottom"]) / 2
        mouse.move(across, down, steps=8)
        # As a hand does: let go once just these letters are lit; a busy page may have missed the last of the way.
        wanted = "".join(list(self.text())[start:end]).replace("\n", "")
        try:
            self.page.wait_for_function(SELECTED, arg=wanted, timeout=2000)
        except TimeoutError:
            mouse.move(across - 1, down)
            mouse.move(across, down)
        mouse.up()

    def _places(self, start: int, end: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Where the first and the last letter of `[start, end)` are on the screen, scrolled there."""
        first, last = self.page.evaluate(
            "([start, end]) => {"
            + TEXT_NODES
            + """
                place(start)[0].parentElement.scrollIntoView({block: 'center'});
                return [place(start)[1], place(end - 1)[1]];
            }""",
            [start, end],
        )
        return first, last

    def relabel(self, region: Region | int, hotkey: str) -> None:
        """Give a span another label of the same kind, by its key."""
        self.select(region)
        self._press(hotkey)

    def _press(self, hotkey: str) -> None:
        self.page.keyboard.press(hotkey.replace("shift+", "Shift+"))

    def undo(self) -> None:
        """Take back the last step. An arrow and its role are a step each."""
        self.page.keyboard.press("Control+z")

    def delete(self, region: Region | int) -> None:
        before = len(self.regions())
        self.select(region)
        self.page.keyboard.press("Backspace")
        self.wait_for_regions(before - 1)

    def set_attribute(self, region: Region | int, value: str) -> None:
        self.select(region)
        choice = self.page.locator(f".curation-attribute label:visible:has(input[name={value}])")
        choice.click()
        expect(choice.locator("input")).to_be_checked()

    def link(self, trigger: Region | int, filler: Region | int, role: str) -> None:
        """Draw an arrow from a trigger to what fills the role, and name the role."""
        arrows = self.page.locator(".relations-overlay g[id]")
        before = arrows.count()
        self.select(trigger)
        self.page.keyboard.press("Alt+r")
        self._click(filler)
        expect(arrows).to_have_count(before + 1)
        self.page.locator("#Relations-draggable").click()
        newest = self.page.locator('[class*="relations__item"]').last
        newest.hover()
        newest.get_by_label("Show Relation Labels").click()
        newest.get_by_test_id(re.compile("^select-trigger")).click()
        self.page.get_by_test_id(f"select-option-{role}").click()
        expect(newest.get_by_test_id(re.compile("^select-trigger"))).to_have_text(role)

    def skip_first(self, project: int) -> None:
        """Begin to label, as the button Label All Tasks does, close the instructions and skip what comes."""
        self.page.goto(f"{self.url}/projects/{project}/data?labeling=1")
        instructions = self.page.get_by_text("Labeling Instructions")
        instructions.wait_for()
        self.page.keyboard.press("Escape")
        instructions.wait_for(state="detached")
        self._sent(lambda: self.page.get_by_test_id("bottombar-skip-button").click())

    def submit(self) -> None:
        """Submit, and wait until the server has it."""
        self._sent(lambda: self.page.get_by_test_id("bottombar-submit-button").click())

    def _sent(self, do: Callable[[], None]) -> None:
        with self.page.expect_response(
            lambda answer: answer.request.method == "POST" and "/annotations" in answer.url
        ) as answer:
            do()
        assert answer.value.status == 201
