"""A GLiNER model as an engine: entities, by labels that it is told in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gliner import GLiNER

from curation.annotation import Annotation
from curation.article import Article
from curation.engines.model_engine import (
    LEAST_PIECES,
    OVERLAP,
    UNKNOWN,
    ModelEngine,
    entities,
    fraction,
    prompts_for,
    whole,
)
from curation.engines.torch_models import device as device_of
from curation.engines.torch_models import digest, most_pieces, pieces_of
from curation.engines.windows import Found, Word
from curation.errors import EngineError, one_line
from curation.schema import LabelSchema

VERSION = "1.0.0"
THRESHOLD = 0.5
BATCH_WINDOWS = 8
NO_LIMIT = 10_000
"""Pieces that a model reads at once which knows no limit; its words are limited all the same."""


class GlinerEngine(ModelEngine):
    """Entities from a GLiNER model.

    Args:
        schema: the labels to use; `elsewhere: {gliner: …}` of a type says how the model is told of it.
        lexicon: unread.
        model: a folder, or a name on the Hub.
        threshold: the score below which nothing is said.
        prompts: `names`, `definitions` or `labels`: how a type is told where the schema does not say it.
        languages: those it reads; default: the schema's. `*` stands for any.
        device: where it runs; default: a GPU where there is one.
        window: how many words it reads at once, at most; default: what the model was made for.

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
        told = prompts_for(schema.entity_types, prompts, "gliner")
        self.labels = {
            f"{prompt}: {definition}" if prompts == "definitions" else prompt: label
            for prompt, (label, definition) in told.items()
        }
        self.model = _load(model, device_of(device))
        if self.model.config.relations_layer is not None:
            raise EngineError(f"{model} is a GLiNER model for relations; name one for entities")
        self._processor = self.model.data_processor
        self._tokenizer = self._processor.transformer_tokenizer
        self._asked = self._label_groups()
        room = self._pieces - max(map(self._prompt_pieces, self._asked))
        if room < LEAST_PIECES:
            raise EngineError(
                f"the labels leave {max(room, 0)} of the {self._pieces} pieces that {model} reads at once; "
                "set prompts to names, or name a model that reads more"
            )
        self.most_words: int = self.model.config.max_len
        if window is not None:
            self.most_words = min(self.most_words, whole("window", window))
        self.most_pieces = room
        self.overlap = max(OVERLAP, 2 * (self.model.config.max_width or 0))
        about = [list(self.labels.items()), self.threshold, sorted(self._languages), self.most_words, room]
        self.begin("gliner", VERSION, {"weights": digest(self.model), "about": about})

    @property
    def _pieces(self) -> int:
        """How many pieces the model reads at once."""
        return most_pieces(self.model, self._tokenizer) or NO_LIMIT

    def _prompt_pieces(self, prompts: Sequence[str]) -> int:
        """How many pieces of what the model reads are no text: the labels, where they go before it, and the marks."""
        marks = int(self._tokenizer.num_special_tokens_to_add())
        if self.model.config.labels_encoder is not None:
            return marks
        (words,), _ = self._processor.prepare_inputs([[]], [list(prompts)])
        return marks + sum(pieces_of(self._tokenizer, words))

    def _label_groups(self) -> list[list[str]]:
        """The labels asked for at once: all, or as many as take at most half of what the model reads."""
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
        """The annotations of some articles; windows of like length go through the model together."""
        cuts, left_out = self.cut(articles)
        found: list[list[Found]] = [[] for _ in articles]
        for prompts in self._asked:
            said = self.model.inference(
                [cut.text for cut in cuts], prompts, flat_ner=False, threshold=self.threshold, batch_size=BATCH_WINDOWS
            )
            for (article, number, window, _), spans in zip(cuts, said, strict=True):
                for span in spans:
                    start, end = span["start"] + window.start, span["end"] + window.start
                    label = self.labels.get(span["label"])
                    if label is None:
                        left_out[article][UNKNOWN] += 1
                    elif window.owns(start):
                        found[article].append(Found(start, end, label, float(span["score"]), number))
        return [
            self.annotation(article, entities(spans, self.annotator.key), (), less)
            for article, spans, less in zip(articles, found, left_out, strict=True)
        ]


def _load(model: str, device: str) -> Any:
    try:
        return GLiNER.from_pretrained(model, map_location=device).to(device).eval()
    except Exception as error:  # whatever a missing file, a missing network or foreign weights raise
        reason = one_line(f"{type(error).__name__}: {error}", 200)
        raise EngineError(
            f"there is no GLiNER model {model!r} that can be used here ({reason}); name a folder that "
            "`save_pretrained` wrote, or a name on the Hub while there is a network"
        ) from error
