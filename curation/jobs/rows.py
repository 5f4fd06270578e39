"""What goes into a release: of each article whose annotation counts, how its row is made and what it is made from."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from json import loads
from typing import TYPE_CHECKING

from curation.annotation import Annotation
from curation.article import Article
from curation.engines.article_zones import zones
from curation.formats.tokens import tokenise
from curation.jobs.started import started_from
from curation.release.documents import ReviewedArticle, Unread
from curation.release.program import program
from curation.review.choose import Policy, choose
from curation.review.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from curation.labelstudio import Predictions, Snapshot
    from curation.labelstudio.snapshot import ArticleLines

# A quotation mark within a string is written with a backslash, so these are found nowhere else but as fields.
_PARENT = re.compile(rb'"parent":("(?:[^"\\]|\\.)*")')
_DRAFT = b'"state":"draft"'


def made_by(pseudonyms: Pseudonyms, policy: str) -> str:
    """What rows depend on beside the article and its annotations: this very code, the names people go by, who counts.

    `policy` is the section of the settings that says so.
    """
    return f"{program(__name__, 'curation.jobs.policy')} {pseudonyms.key('person:')} {policy}"


def rows_of(
    snapshot: Snapshot, sent: Predictions, pseudonyms: Pseudonyms, policy: Policy, *, engine_only: bool
) -> Iterator[ReviewedArticle | Unread]:
    """Each article of which something may count, by rising id; what people annotated is not read yet.

    With `engine_only` also those that nobody submitted or skipped, with their pre-annotation.
    """
    for lines in snapshot.lines_by_article():
        if not all(_DRAFT in line for _, line in lines.said):
            read = partial(_reviewed, lines, sent, pseudonyms, policy)
            yield Unread(_key(lines, sent), read, snapshot.path.name)
            continue
        texts, said = lines.read() if lines.said or engine_only else ({}, [])
        if not all(annotation.state == "draft" for annotation in said):
            # An attribute looks like it.
            yield Unread(_key(lines, sent), partial(_reviewed, lines, sent, pseudonyms, policy), snapshot.path.name)
        elif engine_only:
            for article in reversed(texts.values()):
                if (annotation := sent.of(article)) is not None:
                    yield laid_out(article, annotation)._replace(snapshot=snapshot.path.name, chosen="engine")
                    break


def laid_out(article: Article, annotation: Annotation) -> ReviewedArticle:
    """An article with its annotation, sentences and zones."""
    return ReviewedArticle(article, annotation, sentences=tokenise(article).sentences, zones=zones(article.text))


def _reviewed(lines: ArticleLines, sent: Predictions, pseudonyms: Pseudonyms, policy: Policy) -> ReviewedArticle | None:
    """The article with what people said of it, under pseudonyms; None where nothing of it counts."""
    texts, said = lines.read()
    choice = choose((annotation for annotation in said if annotation.text_sha256 in texts), policy)
    if choice is None:
        return None
    made = laid_out(texts[choice.annotation.text_sha256], pseudonyms.annotation(choice.annotation))
    return made._replace(
        snapshot=lines.folder.name,
        chosen=choice.why,
        prediction=started_from(choice.annotation, said, sent),
        others=choice.others,
    )


def _key(lines: ArticleLines, sent: Predictions) -> bytes:
    """The hash of all that `_reviewed` looks at: the lines, and every pre-annotation that one of them began from."""
    digest = sha256()
    waiting: deque[str] = deque()
    seen: set[str] = set()

    def add(line: bytes) -> None:
        digest.update(b"%d\n" % len(line) + line)
        waiting.extend(loads(found) for found in _PARENT.findall(line))

    for some in (lines.revisions, lines.said):
        digest.update(b"%d\n" % len(some))
        for _, line in some:
            add(line)
    while waiting:
        parent = waiting.popleft()
        if parent not in seen:
            seen.add(parent)
            add(parent.encode())
            add(sent.line(parent) or b"")
    return digest.digest()
