"""Finds the project's article that a document in a file is, by id, by text or by tokens."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from curation.article import Article, build
from curation.errors import BadInput
from curation.formats.tokens import OFFSETS, Sentence, Tokens, align, dump, is_token


class ArticleLookup:
    """Articles by id, and by their text without white space. All of them are held in memory."""

    def __init__(self, articles: Iterable[Article] = ()) -> None:
        self._by_id: dict[str, Article] = {}
        self._by_text: dict[str, list[Article]] = defaultdict(list)
        for article in articles:
            self._by_id[article.id] = article
            self._by_text[_squeezed(article.text)].append(article)

    def find(self, text: str, article_id: str | None, path: Path, line: int | None = None) -> Article | None:
        """The article with that id; without an id, the next with that text. White space is ignored. None: not known.

        An article that is found by its text is not found again, so that copies of a text are different articles.

        Raises:
            BadInput: the article with that id has another text.
        """
        if article_id is None:
            same = self._by_text[_squeezed(text)]
            return same.pop(0) if same else None
        article = self._by_id.get(article_id)
        if article is not None and _squeezed(article.text) != _squeezed(text):
            way_out = "import into a project with that text, or rename the document"
            raise BadInput(f"is not the text of the article {article_id}", path=path, line=line, way_out=way_out)
        return article

    def find_exact(self, text: str, article_id: str | None, path: Path, line: int | None = None) -> Article | None:
        """As `find`, but white space counts: without an id, only an article with exactly that text is found.

        Raises:
            BadInput: the article with that id has another text, or differs in white space.
        """
        if article_id is None:
            same = self._by_text[_squeezed(text)]
            article = next((article for article in same if article.text == text), None)
            if article is not None:
                same.remove(article)
            return article
        article = self.find(text, article_id, path, line)
        if article is not None and article.text != text:
            way_out = "import into a project with that text, or rename the document"
            raise BadInput(f"differs in white space from {article_id}", path=path, line=line, way_out=way_out)
        return article

    def by_text(
        self, text: str, article_id: str | None, default_id: str, path: Path, line: int | None = None
    ) -> Article:
        """The known article with exactly that text, or a new one named `article_id` or, without one, `default_id`."""
        article = self.find_exact(text, article_id, path, line)
        if article is not None:
            return article
        return build(Article, {"id": _name(article_id or default_id), "text": text}, path=path, line=line)

    def by_tokens(
        self,
        sentences: Sequence[Sequence[str]],
        article_id: str | None,
        default_id: str,
        path: Path,
        line: int | None = None,
        text: str | None = None,
    ) -> tuple[Article, Tokens]:
        """The article with these tokens, and their places in it.

        An article that is not known gets `text`, else the tokens joined by spaces with one sentence a line, and keeps
        these tokens.

        Raises:
            BadInput: the tokens are not those of the article or of `text`, or there are none.
        """
        flat = [token for sentence in sentences for token in sentence]
        article = self.find("".join(flat), article_id, path, line)
        if article is None:
            if text is None:
                text = "\n".join(" ".join(sentence) for sentence in sentences if sentence)
            found = Tokens(self._placed(sentences, flat, text, path, line))
            record = {"id": _name(article_id or default_id), "text": text, "metadata": {OFFSETS: dump(found)}}
            return build(Article, record, path=path, line=line), found
        return article, Tokens(self._placed(sentences, flat, article.text, path, line))

    @staticmethod
    def _placed(
        sentences: Sequence[Sequence[str]], flat: Sequence[str], text: str, path: Path, line: int | None
    ) -> list[Sentence]:
        places = align(flat, text)
        if not places or not all(map(is_token, flat)):
            way_out = "give tokens without white space, in the order of the text"
            raise BadInput("the tokens are not those of the text", path=path, line=line, way_out=way_out)
        placed, first = [], 0
        for sentence in sentences:
            own = tuple(places[first : first + len(sentence)])
            first += len(sentence)
            if own:
                placed.append(Sentence(own[0][0], own[-1][1], own))
        return placed


def _squeezed(text: str) -> str:
    # A lone surrogate is refused with its line when the article is made.
    return hashlib.sha256("".join(text.split()).encode("utf-8", "surrogatepass")).hexdigest()


def _name(given: str) -> str:
    return "-".join(given.split())
