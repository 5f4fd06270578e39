"""Base class of model engines with a context window and prompted labels, and what such engines share.

Articles longer than the context window are split into overlapping windows. Every code point is owned by one window: a
span is taken from the window that owns its start, and the neighbouring windows see it only as context. So no span is
found twice, and no span that a window cuts off is used.
"""

from __future__ import annotations

import hashlib
import json
import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from curation.annotation import Annotator, Entity
from curation.article import Article
from curation.engines.engine import BatchEngine, fingerprint
from curation.errors import EngineError
from curation.schema import LabelType

if TYPE_CHECKING:
    import torch

MIN_PIECES = 32
"""Word pieces that must be left for the text beside the labels."""
OVERLAP = 64
"""Words that two windows of an article share, where a window holds several times as many."""
NO_LIMIT = 10_000
"""Word pieces of a context window where the model states no limit; its words are limited in any case."""
BATCH_WINDOWS = 8
DIGEST_SAMPLE = 1024
"""Weights per tensor that enter the digest: training changes every weight."""
TOO_LONG = "words too long for the model to read"
UNKNOWN = "labels the schema does not know"

_SENTENCE_END = frozenset(".!?。؟…")

Prompts = Literal["names", "definitions", "labels"]
"""The prompt of a label: its name in words, that with its definition, or the label as the schema has it."""


class Word(NamedTuple):
    """`[start, end)` of a word in code points, and the number of word pieces it has for the model's tokenizer."""

    start: int
    end: int
    pieces: int


class Window(NamedTuple):
    """`[start, end)` of the text that the model reads, and `own`: spans that start there are taken from this window."""

    start: int
    end: int
    own: tuple[int, int]

    def owns(self, place: int) -> bool:
        """Whether a span that starts at `place` is taken from this window."""
        return self.own[0] <= place < self.own[1]


class WindowText(NamedTuple):
    """A window of an article: the article's index in its batch, the window's number, the window, its text."""

    article: int
    number: int
    window: Window
    text: str


class FoundSpan(NamedTuple):
    """A span found by a model: `[start, end)` in the article, its label and score, and the number of its window."""

    start: int
    end: int
    label: str
    score: float
    window: int


class ModelEngine(BatchEngine):
    """An engine that reads windows of articles. A subclass defines `words` and `annotate` and calls `identify`.

    Attributes:
        most_words: words that a window holds.
        most_pieces: word pieces that a window holds.
        overlap: words that two windows share.
    """

    most_words: int
    most_pieces: int
    overlap: int = OVERLAP

    @abstractmethod
    def words(self, text: str) -> list[Word]:
        """The words of a text as the model counts them."""

    def split(self, articles: list[Article]) -> tuple[list[WindowText], list[Counter[str]]]:
        """The windows of the articles, the shortest first, and per article what no window can hold."""
        found: list[WindowText] = []
        left_out: list[Counter[str]] = []
        for index, article in enumerate(articles):
            words, text = self.words(article.text), article.text
            parts = windows(text, words, most_words=self.most_words, most_pieces=self.most_pieces, overlap=self.overlap)
            for number, window in enumerate(parts):
                found.append(WindowText(index, number, window, text[window.start : window.end]))
            too_long = sum(word.pieces > self.most_pieces for word in words)
            left_out.append(Counter({TOO_LONG: too_long} if too_long else {}))
        return sorted(found, key=lambda window: len(window.text)), left_out

    def room(self, pieces: int, prompts: Iterable[int], model: str) -> int:
        """Word pieces of the context window that are left for text.

        Args:
            pieces: the size of the context window.
            prompts: the sizes of the label prompts; the text must fit beside the largest.
            model: the model's name, for the error.

        Raises:
            EngineError: the labels leave too few.
        """
        left = pieces - max(prompts)
        if left < MIN_PIECES:
            raise EngineError(
                f"the labels leave {max(left, 0)} of the {pieces} pieces that {model} reads at once; "
                "set prompts to names, or name a model that reads more"
            )
        return left

    def identify(self, name: str, version: str, about: Mapping[str, Any]) -> None:
        """Set `annotator`; its version contains a hash of `about`, which holds everything the output depends on."""
        digest = fingerprint(json.dumps(about, sort_keys=True, default=str))
        self.annotator = Annotator(kind="engine", name=name, version=f"{version}+{digest}")


def windows(text: str, words: Sequence[Word], *, most_words: int, most_pieces: int, overlap: int) -> Iterator[Window]:
    """The windows of a text, in order; together they read every word of at most `most_pieces` pieces.

    A window ends after a sentence or a line if one ends in its last quarter, and the next begins up to `overlap`
    words before that. Spans that start in the first half of the overlap belong to the earlier window.

    Args:
        text: the article's text.
        words: its words, as the model counts them.
        most_words: words that a window holds.
        most_pieces: word pieces that a window holds.
        overlap: words that two windows share.
    """
    first, own = 0, 0
    while first < len(words):
        last, pieces = first, 0
        while last < len(words) and last - first < most_words and pieces + words[last].pieces <= most_pieces:
            pieces += words[last].pieces
            last += 1
        if last == first:  # a word that no window can hold
            own = words[first].end
            first += 1
            continue
        if last == len(words) or words[last].pieces > most_pieces:
            yield Window(words[first].start, words[last - 1].end, (own, words[last - 1].end))
            first, own = last, words[last - 1].end
            continue
        last = _sentence_end(text, words, first, last)
        following = last - min(overlap, (last - first) // 2)
        border = words[following + (last - following) // 2].start
        yield Window(words[first].start, words[last - 1].end, (own, border))
        first, own = following, border


def _sentence_end(text: str, words: Sequence[Word], first: int, last: int) -> int:
    for cut in range(last, first + 3 * (last - first) // 4, -1):
        word, following = words[cut - 1], words[cut]
        if text[word.end - 1] in _SENTENCE_END or "\n" in text[word.end : following.start]:
            return cut
    return last


def merge_spans(found: Iterable[FoundSpan]) -> list[FoundSpan]:
    """Each span and label once, with the best score. Of two crossing spans of different windows the better one stays.

    Nested spans all stay.
    """
    best: dict[tuple[int, int, str], FoundSpan] = {}
    for span in found:
        previous = best.get(span[:3])
        if previous is None or span.score > previous.score:
            best[span[:3]] = span
    kept: list[FoundSpan] = []
    for span in sorted(best.values(), key=lambda span: (span.start, span.end, span.label)):
        crossed = []
        for place in range(len(kept) - 1, -1, -1):  # spans of other windows are a few words back at most
            if kept[place].window < span.window - 1:
                break
            if kept[place].window != span.window and kept[place].start < span.start < kept[place].end < span.end:
                crossed.append(place)
        if all(kept[place].score < span.score for place in crossed):
            for place in crossed:
                del kept[place]
            kept.append(span)
    return sorted(kept, key=lambda span: (span.start, -span.end, span.label))


def entities_of(found: Iterable[FoundSpan], origin: str) -> list[Entity]:
    """The spans found in all windows of an article as entities."""
    return [
        Entity(
            id=f"e{number}",
            type=span.label,
            start=span.start,
            end=span.end,
            score=score_of(span.score),
            origin=origin,
        )
        for number, span in enumerate(merge_spans(sorted(found, key=lambda span: span.window)), start=1)
    ]


def score_of(probability: float) -> float:
    """A model's probability as a score: four digits, at most 1."""
    return min(1.0, round(probability, 4))


def prompts_for(labels: Iterable[LabelType], how: str, ontology: str) -> dict[str, tuple[str, str]]:
    """Prompt → the label it stands for, and the label's definition.

    The schema may state prompts itself: `elsewhere: {gliner: [country, city]}` gives one label two prompts.

    Raises:
        EngineError: `how` is not one of `Prompts`, or two labels have the same prompt.
    """
    if how not in get_args(Prompts):
        raise EngineError(f"prompts is {how!r}; it is one of {', '.join(get_args(Prompts))}")
    found: dict[str, tuple[str, str]] = {}
    for label in labels:
        stated = label.elsewhere.get(ontology) if how != "labels" else None
        for prompt in stated or ((label.name if how == "labels" else words_of(label.name)),):
            if prompt in found:
                raise EngineError(
                    f"{found[prompt][0]} and {label.name} have the same prompt {prompt!r}; "
                    f"give one another name under elsewhere: {{{ontology}: …}} in the schema"
                )
            found[prompt] = label.name, " ".join(label.definition.split())
    return found


def words_of(name: str) -> str:
    """`ArmedGroup` → `armed group`; abbreviations stay as they are."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_-]", " ", name).split()
    return " ".join(word if len(word) > 1 and word.isupper() else word.lower() for word in words)


def fraction(name: str, value: object) -> float:
    """The value of an option between 0 and 1. Raises EngineError for any other value."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise EngineError(f"{name} is {value!r}; give a number between 0 and 1")
    return float(value)


def whole(name: str, value: object) -> int:
    """The value of an option that is a positive whole number. Raises EngineError for any other value."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise EngineError(f"{name} is {value!r}; give a whole number, 1 at least")
    return value


def device_of(name: str | None) -> str:
    """The named torch device; by default a GPU if there is one."""
    import torch

    return name or ("cuda" if torch.cuda.is_available() else "cpu")


def weights_digest(model: torch.nn.Module) -> str:
    """Eight hex digits of a hash of a torch model's weights."""
    found = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        flat = tensor.detach().reshape(-1)
        sample = flat[:: max(1, flat.numel() // DIGEST_SAMPLE)].cpu().double()
        found.update(f"{name} {tuple(tensor.shape)}".encode())
        found.update(sample.contiguous().numpy().tobytes())
    return found.hexdigest()[:8]


def context_pieces(model: torch.nn.Module, tokenizer: Any) -> int:
    """Word pieces that a text may have, special ones included; `NO_LIMIT` where the model states no limit.

    The tokenizer may silently truncate longer texts, and an encoder has a limited number of positions.
    """
    limits = [tokenizer.model_max_length]
    for module in model.modules():
        positions = getattr(getattr(module, "config", None), "max_position_embeddings", None)
        if isinstance(positions, int) and positions > 0:
            limits.append(positions - 2)  # RoBERTa reserves two
            break
    found = int(min(limits))
    return found if found < 1_000_000 else NO_LIMIT


def pieces_of(tokenizer: Any, words: list[str]) -> list[int]:
    """The number of word pieces of each word."""
    counts = [0] * len(words)
    for begin in range(0, len(words), 4096):
        chunk = words[begin : begin + 4096]
        split = tokenizer(chunk, is_split_into_words=True, add_special_tokens=False, truncation=False, verbose=False)
        for place in split.word_ids():
            if place is not None:
                counts[begin + place] += 1
    return counts
