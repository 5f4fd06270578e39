"""The text of an article: made from HTML, and checked for HTML, for prose and for its language."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from html.entities import html5
from statistics import median
from typing import Any

from curation.article import Article
from curation.errors import BadInput, CurationError, DoubtfulArticle, one_line

_log = logging.getLogger("curation")
_PARAGRAPH = (
    "article|aside|blockquote|body|center|div|dl|fieldset|figure|footer|form|h[1-6]|header|hr|html|main|ol|p|pre|"
    "section|table|ul"
)
_LINE = "br|caption|dd|dt|figcaption|li|tr"
_OTHER = "a|abbr|b|cite|code|em|font|head|i|img|link|meta|nav|q|s|script|small|span|strong|style|sub|sup|tbody|td|th|u"
_DROPPED = ("head", "script", "style", "noscript", "template", "nav", "aside", "footer", "button", "select", "textarea",
            "iframe", "object", "svg", "audio", "video")  # fmt: skip
"""HTML elements whose text is no part of an article."""
_BREAK = re.compile(rf"</?(?:(?P<paragraph>{_PARAGRAPH})|(?:{_LINE})|(?P<cell>td|th))(?=[\s/>])[^<>]*>", re.IGNORECASE)
_TAG = re.compile(
    rf"</?(?:{_PARAGRAPH}|{_LINE}|{_OTHER})(?:\s[^<>]{{0,2000}})?/?>|</(?:{_PARAGRAPH}|{_LINE}|{_OTHER})\b",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|([A-Za-z][A-Za-z0-9]{1,31}));")
_ANY_TAG = re.compile(r"<(/?)([A-Za-z][^\s/<>]{0,40})")
_UNNESTED = frozenset(
    ("area", "br", "col", "dd", "dt", "hr", "img", "input", "li", "link", "meta", "option", "p", "source", "td", "th",
     "tr", "wbr")
)  # fmt: skip
"""HTML elements that have no end tag, or may lack it."""
MAX_DEPTH = 5000
"""Deepest nesting of HTML elements that is read."""

LANGUAGE_SAMPLE = 4000
"""Characters that the language is detected from."""
WARN_CHARACTERS, WARN_CONFIDENCE = 200, 0.9
"""Shortest text, and lowest confidence, for which another language than declared is a warning."""
REFUSE_CHARACTERS, REFUSE_CONFIDENCE = 1000, 0.99
"""Shortest text, and lowest confidence, for which another language than declared is refused."""
_FAMILIES = ("ar ary arz", "bs cnr hr sh sr", "en pcm sco", "fa prs tg", "he iw", "id in ms", "nb nn no", "uz uzs",
             "wuu yue zh", "fil tl")  # fmt: skip
"""Languages that are too similar to distinguish reliably."""
_FAMILY = {language: family for family in _FAMILIES for language in family.split()}
_NO_LANGUAGE = "zxx"

MIN_LETTERS = 0.5
"""Lowest share of letters among the characters of prose that are no white space."""
LIST_LINES, LIST_LINE_LENGTH = 10, 20
"""A text of so many lines, most of them of so few characters, is a list or a table."""


class OtherLanguage(BadInput):
    """A long text that is certainly in another language than declared."""


class DoubtCounts:
    """Doubts counted by kind, with the ids of the first articles."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._examples: dict[tuple[str, str], list[str]] = defaultdict(list)

    def add(self, article_id: str, what: str, hint: str) -> None:
        """Count a doubt about an article."""
        self._counts[what, hint] += 1
        if len(self._examples[what, hint]) < 3:
            self._examples[what, hint].append(article_id)

    def counts(self) -> dict[str, int]:
        """What is doubtful → number of articles, the largest number first."""
        return {what: count for (what, _), count in self._counts.most_common()}

    def lines(self) -> Iterator[tuple[str, str]]:
        """A line for each kind of doubt, and its hint."""
        for (what, hint), count in self._counts.most_common():
            first = ", ".join(self._examples[what, hint])
            more = ", …" if count > len(self._examples[what, hint]) else ""
            yield f"{count} {'article' if count == 1 else 'articles'} {what}: {one_line(first, 200)}{more}", hint


def looks_like_html(text: str) -> bool:
    """Whether the text has HTML tags or character references (`&mdash;`)."""
    if _TAG.search(text):
        return True
    return any(not name or f"{name};" in html5 for name in _REFERENCE.findall(text))


def text_of_html(text: str) -> str:
    """The text in a piece of HTML, one paragraph a block; "" if there is none (or it is nested absurdly deep).

    Menus, scripts, forms' fields and the like are left out. Line breaks of the HTML itself are white space, unless it
    has no element that ends a line.

    Raises:
        CurationError: the library is not installed.
    """
    try:
        from selectolax.lexbor import LexborHTMLParser
    except ImportError as error:
        raise CurationError('clean = "html" needs selectolax: pip install "curation[html]"') from error
    if _BREAK.search(text):
        text = _BREAK.sub(_with_break, text.replace("\n", " "))
    if _depth(text) > MAX_DEPTH:
        return ""
    tree = LexborHTMLParser(text)
    tree.strip_tags(list(_DROPPED))
    found = tree.body.text() if tree.body is not None else ""
    found = re.sub(r"[ \t]+", " ", found.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", ""))
    return re.sub(r"\n{3,}", "\n\n", re.sub(r" ?\n ?", "\n", found)).strip()


def _depth(text: str) -> int:
    """How deeply elements are nested at most, roughly: the parser takes quadratic time for it."""
    opened: Counter[str] = Counter()
    depth = deepest = 0
    for closing, name in _ANY_TAG.findall(text):
        name = name.lower()
        if name in _UNNESTED or (closing and not opened[name]):
            continue
        opened[name] += -1 if closing else 1
        depth += -1 if closing else 1
        deepest = max(deepest, depth)
    return deepest


def _with_break(tag: re.Match[str]) -> str:
    """The tag between line breaks: the parser alone gives the text of blocks without any."""
    if tag["paragraph"]:
        return f"\n\n{tag.group()}\n\n"
    return f"{' ' if tag['cell'] or tag.group()[1] == '/' else chr(10)}{tag.group()}"


def screened(
    found: Iterable[Article | BadInput], language: str | None, *, cleaned: bool = False
) -> Iterator[Article | BadInput]:
    """The articles, each after the doubts about its text. One certainly in another language is replaced by the reason.

    Args:
        found: what `read_articles` gives.
        language: the language of articles that declare none; None: theirs is not checked.
        cleaned: whether HTML was removed on reading.
    """
    for article in found:
        if isinstance(article, Article):
            refused = None
            for doubt in doubts(article, language, cleaned=cleaned):
                refused = doubt if isinstance(doubt, OtherLanguage) else refused
                if doubt is not refused:
                    yield doubt
            yield refused or article
        else:
            yield article


def doubts(
    article: Article, language: str | None, *, cleaned: bool = False
) -> Iterator[DoubtfulArticle | OtherLanguage]:
    """What is doubtful about the text of an article; arguments as those of `screened`."""
    if not cleaned and looks_like_html(article.text):
        way_out = 'write clean = "html" under [project] in curation.toml, and pip install "curation[html]"'
        yield DoubtfulArticle(article.id, "with HTML in the text", way_out)
    way_out = "leave out articles that are tables, lists or code"
    if not _is_prose(article.text):
        yield DoubtfulArticle(article.id, "whose text is no prose", way_out)
        return
    declared = article.language or language
    detected, confidence = detect_language(article.text)
    length = len(article.text)
    if declared is None or length < WARN_CHARACTERS or confidence < WARN_CONFIDENCE or _same(declared, detected):
        return
    if detected == _NO_LANGUAGE:
        yield DoubtfulArticle(article.id, "whose text is no prose", way_out)
        return
    source = "as declared" if article.language else "the language of the schema"
    what = f"in {detected}, not in {one_line(declared, 40)}, {source}"
    way_out = "declare its language in the field `language`, or leave it out"
    if length >= REFUSE_CHARACTERS and confidence >= REFUSE_CONFIDENCE:
        yield OtherLanguage(f"is {what}", path=article.id, way_out=way_out)
    else:
        yield DoubtfulArticle(article.id, f"probably {what}", way_out)


def detect_language(text: str) -> tuple[str, float]:
    """The language of a text as an ISO 639 code (`zxx`: none), and the confidence between 0 and 1.

    The confidence is 0 if the model could not be unpacked, which is logged once.
    """
    identifier = _identifier()
    if identifier is None:
        return _NO_LANGUAGE, 0.0
    language, confidence = identifier.classify(text[:LANGUAGE_SAMPLE])
    return str(language), float(confidence)


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # its model takes a second to load

    try:
        return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    except OSError as error:  # it unpacks the model into a temporary file
        _log.warning(
            "languages are not checked: no space for a temporary file (%s); set TMPDIR", error.strerror or error
        )
        return None


def _same(declared: str, detected: str) -> bool:
    """Whether the languages are the same, hardly distinguishable, or the declared one is unknown to the detector."""
    primary = declared.replace("_", "-").split("-")[0].lower()
    if primary not in _FAMILY and primary not in _identifier().labels:
        return True
    return _FAMILY.get(primary, primary) == _FAMILY.get(detected, detected)


def _is_prose(text: str) -> bool:
    characters = [char for char in text if not char.isspace()]
    if sum(unicodedata.category(char)[0] in "LM" for char in characters) < MIN_LETTERS * len(characters):
        return False
    lines = [len(line.strip()) for line in text.splitlines() if line.strip()]
    return len(lines) < LIST_LINES or median(lines) > LIST_LINE_LENGTH
