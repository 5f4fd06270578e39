"""A GLiNER model as an engine: entities, prompted with labels in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gliner import GLiNER

from curation.annotation import Annotation
from curation.article import Article
from curation.engines.model_engine import (
    BATCH_WINDOWS,
    OVERLAP,
    UNKNOWN,
    FoundSpan,
    ModelEngine,
    Word,
    context_pieces,
    device_of,
    entities_of,
    fraction,
    pieces_of,
    prompts_for,
    weights_digest,
    whole,
)
from curation.errors import EngineError, one_line
from curation.schema import LabelSchema

VERSION = "1.0.0"
THRESHOLD = 0.5


class GlinerEngine(ModelEngine):
    """Entities from a GLiNER model.

    Args:
        schema: the labels to use; `elsewhere: {gliner: …}` of a type states its prompts.
        lexicon: ignored.
        model: a folder, or a name on the Hub.
        threshold: spans with a lower score are dropped.
        prompts: `names`, `definitions` or `labels`: how the model is prompted with types whose prompts are not stated.
        languages: languages the model reads; default: the schema's. `*` stands for any.
        device: a torch device; default: a GPU if there is one.
        window: words per window; default: the model's own maximum.

    Raises:
        EngineError: no model is named, it cannot be loaded, or an option cannot be used.
    """

    def __init__(
        self,
        schema: LabelSchema,
        *,
        lexicon: Path | None,
        model: str | None = None,
        threshold: float = THRESHOLD,
        prompts: str = "names",
        languages: Sequence[str] | None = None,
        device: str | None = None,
        window: int | None = None,
    ) -> None:
        if not model:
            raise EngineError("engine gliner needs a model; name a folder or one on the Hub with --model")
        super().__init__(schema, languages)
        self.threshold = fraction("threshold", threshold)
        labels = prompts_for(schema.entity_types, prompts, "gliner")
        self.labels = {
            f"{prompt}: {definition}" if prompts == "definitions" else prompt: label
            for prompt, (label, definition) in labels.items()
        }
        self.model = _load(model, device_of(device))
        if self.model.config.relations_layer is not None:
            raise EngineError(f"{model} is a GLiNER model for relations; name one for entities")
        self._processor = self.model.data_processor
        self._tokenizer = self._processor.transformer_tokenizer
        self._pieces = context_pieces(self.model, self._tokenizer)
        self._prompts = self._label_groups()
        self.most_pieces = self.room(self._pieces, map(self._prompt_pieces, self._prompts), model)
        self.most_words: int = self.model.config.max_len
        if window is not None:
            self.most_words = min(self.most_words, whole("window", window))
        self.overlap = max(OVERLAP, 2 * (self.model.config.max_width or 0))
        about = [list(self.labels.items()), self.threshold, sorted(self._languages), self.most_words, self.most_pieces]
        self.identify("gliner", VERSION, {"weights": weights_digest(self.model), "about": about})

    def _prompt_pieces(self, prompts: Sequence[str]) -> int:
        """Word pieces of the context window that are not text: labels (unless encoded apart) and special tokens."""
        marks = int(self._tokenizer.num_special_tokens_to_add())
        if self.model.config.labels_encoder is not None:
            return marks
        (words,), _ = self._processor.prepare_inputs([[]], [list(prompts)])
        return marks + sum(pieces_of(self._tokenizer, words))

    def _label_groups(self) -> list[list[str]]:
        """The labels that are prompted together: all, or as many as fill at most half of the context window."""
        groups: list[list[str]] = [[]]
        for prompt in self.labels:
            if groups[-1] and self._prompt_pieces([*groups[-1], prompt]) > self._pieces // 2:
                groups.append([])
            groups[-1].append(prompt)
        return groups

    def words(self, text: str) -> list[Word]:
        """GLiNER's words."""
        split = list(self._processor.words_splitter(text))
        pieces = pieces_of(self._tokenizer, [word for word, _, _ in split])
        return [Word(start, end, count) for (_, start, end), count in zip(split, pieces, strict=True)]

    def annotate(self, articles: list[Article]) -> list[Annotation]:
        """The annotations of the articles, in order; windows of similar length are batched together."""
        parts, left_out = self.split(articles)
        found: list[list[FoundSpan]] = [[] for _ in articles]
        # GLiNER fails on an empty list of texts.
        for prompts in self._prompts if parts else ():
            results = self.model.inference(
                [part.text for part in parts],
                prompts,
                flat_ner=False,
                threshold=self.threshold,
                batch_size=BATCH_WINDOWS,
            )
            for (index, number, window, _), spans in zip(parts, results, strict=True):
                for span in spans:
                    start, end = span["start"] + window.start, span["end"] + window.start
                    label = self.labels.get(span["label"])
                    if label is None:
                        left_out[index][UNKNOWN] += 1
                    elif window.owns(start):
                        found[index].append(FoundSpan(start, end, label, float(span["score"]), number))
        for article, unusable in zip(articles, left_out, strict=True):
            self.leave_out(article.id, unusable)
        return [
            self.annotation(article, entities_of(spans, self.annotator.key))
            for article, spans in zip(articles, found, strict=True)
        ]


def _load(model: str, device: str) -> Any:
    try:
        return GLiNER.from_pretrained(model, map_location=device).to(device).eval()
    except Exception as error:  # missing files, no network or other weights raise anything
        reason = one_line(f"{type(error).__name__}: {error}", 200)
        raise EngineError(
            f"there is no GLiNER model {model!r} that can be used here ({reason}); name a folder that "
            "`save_pretrained` wrote, or a name on the Hub while there is a network"
        ) from error
