"""The Jinja environment of all pages, their style sheets, and their content security policy."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from curation.errors import one_line, visible
from curation.metrics.agreement import Figures
from curation.metrics.rounding import decimal, percent
from curation.svg import colour

_LINE_SEPARATORS = "\u2028\u2029"


def render(name: str, *, styles: tuple[str, ...], script: str | None = None, **values: Any) -> str:
    """A whole page. Its policy admits only the style sheets and the script that are written into it.

    Args:
        name: file name of a template that extends `base.html.jinja`.
        styles: file names of style sheets.
        script: file name of a script.
        values: the variables of the template.
    """
    style = asset(*styles)
    code = asset(script) if script else Markup("")
    policy = f"default-src 'none'; style-src '{_hash(style)}'; base-uri 'none'; form-action 'none'"
    if script:
        policy += f"; script-src '{_hash(code)}'"
    return template(name).render(style=style, script=code, policy=Markup(policy), **values)


def template(name: str) -> Template:
    """A template of this package."""
    return environment().get_template(name)


@cache
def environment() -> Environment:
    """Everything is escaped; a variable without a value is an error.

    Filters: `line` (one printable line of at most so many characters), `visible` (control characters replaced), and
    the formats of figures.
    """
    made = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: Mapping[str, Callable[..., Any]] = {
        "line": one_line,
        "visible": visible,
        "annotator": annotator_name,
        "duration": duration,
        "f1": f1,
        "decimal": decimal,
        "percent": percent,
        "colour": colour,
    }
    made.filters.update(filters)
    return made


@cache
def asset(*names: str) -> Markup:
    """Files of this package's `templates`, one after the other. They are ours, so they are not escaped."""
    folder = files(__package__) / "templates"
    return Markup("".join((folder / name).read_text(encoding="utf-8") for name in names))


def json_for_script(value: Any) -> str:
    """JSON that may stand in an HTML script element: without `<`, `>`, `&` and the separators U+2028 and U+2029."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&" + _LINE_SEPARATORS:
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def annotator_name(key: str) -> str:
    """The name of an annotator on pages: `3f…` for the key `person:3f…`, `engine rules@1` for `engine:rules@1`."""
    name = one_line(key, 60)
    return name.removeprefix("person:") if name.startswith("person:") else name.replace("engine:", "engine ", 1)


def f1(figures: Figures) -> str:
    """`0.913 (0.880–0.941)`; a dash where there is nothing to measure."""
    if figures.f1 is None:
        return "–"
    interval = f" ({decimal(figures.interval[0], 2)}–{decimal(figures.interval[1], 2)})" if figures.interval else ""
    return f"{decimal(figures.f1)}{interval}"


def duration(seconds: float) -> str:
    """`45 s`, `6.5 min` or `1.2 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
