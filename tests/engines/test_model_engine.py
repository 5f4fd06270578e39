"""Windows: every word is read, every place is one window's, and what was found twice stands once."""

from __future__ import annotations

import importlib
import sys
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.annotation import Annotator
from curation.article import Article
from curation.engines.model_engine import FoundSpan, Word, merge_spans, windows


def words_of(sizes: list[int], text: str) -> list[Word]:
    """Words of three characters, one every four, with so many pieces."""
    return [Word(4 * place, 4 * place + 3, size) for place, size in enumerate(sizes)]


@given(
    sizes=st.lists(st.integers(1, 12), max_size=80),
    stops=st.sets(st.integers(0, 79)),
    most_words=st.integers(1, 20),
    most_pieces=st.integers(1, 30),
    overlap=st.integers(0, 25),
)
def test_every_word_is_read_and_owned_once(
    sizes: list[int], stops: set[int], most_words: int, most_pieces: int, overlap: int
) -> None:
    text = "".join("aa. " if place in stops else "aaa " for place in range(len(sizes)))
    words = words_of(sizes, text)
    found = list(windows(text, words, most_words=most_words, most_pieces=most_pieces, overlap=overlap))
    for window in found:
        held = [word for word in words if window.start <= word.start < window.end]
        assert 0 < len(held) <= most_words
        assert sum(word.pieces for word in held) <= most_pieces
        assert (held[0].start, held[-1].end) == (window.start, window.end)
    for word in words:
        owners = [window for window in found if window.owns(word.start)]
        if word.pieces > most_pieces:
            assert owners == []
        else:
            (owner,) = owners
            assert owner.start <= word.start
            assert word.end <= owner.end
    for one, two in pairwise(found):
        assert one.own[1] <= two.own[0]
        if one.end > two.start:  # what starts in one's half of the overlap has the other half to end in
            common = [word for word in words if two.start <= word.start < one.end]
            assert one.own[1] == common[len(common) // 2].start
            assert len(common) <= overlap


def test_a_window_ends_with_a_sentence_where_it_can() -> None:
    text = "".join("aa. " if place == 8 else "aaa " for place in range(20))
    first, *_ = windows(text, words_of([1] * 20, text), most_words=10, most_pieces=99, overlap=4)
    assert first.end == 9 * 4 - 1
    lines = text.replace(".", "a")
    lines = f"{lines[:31]}\n{lines[32:]}"
    first, *_ = windows(lines, words_of([1] * 20, lines), most_words=10, most_pieces=99, overlap=4)
    assert first.end == 8 * 4 - 1


def test_what_windows_found_stands_once() -> None:
    found = [
        FoundSpan(0, 10, "GPE", 0.6, 0),
        FoundSpan(0, 10, "GPE", 0.9, 0),  # by two names of the label
        FoundSpan(0, 4, "GPE", 0.5, 0),  # nested
        FoundSpan(8, 14, "Person", 0.8, 1),  # crosses the first, of another window, less sure
        FoundSpan(12, 20, "GPE", 0.7, 1),
        FoundSpan(18, 24, "GPE", 0.9, 2),  # crosses the one before, surer
        FoundSpan(18, 30, "GPE", 0.3, 2),
        FoundSpan(22, 40, "Person", 0.2, 2),  # crosses, of the same window: the model means it
    ]
    assert [(one.start, one.end, one.label, one.score) for one in merge_spans(found)] == [
        (0, 10, "GPE", 0.9),
        (0, 4, "GPE", 0.5),
        (18, 30, "GPE", 0.3),
        (18, 24, "GPE", 0.9),
        (22, 40, "Person", 0.2),
    ]


def test_a_batch_without_words_reaches_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gliner", SimpleNamespace(GLiNER=None))
    monkeypatch.delitem(sys.modules, "curation.engines.gliner_engine", raising=False)
    engine: Any = object.__new__(importlib.import_module("curation.engines.gliner_engine").GlinerEngine)
    monkeypatch.delitem(sys.modules, "curation.engines.gliner_engine")

    def inference(*args: Any, **options: Any) -> None:
        raise AssertionError("the model was called")

    engine.model, engine._prompts, engine.words = SimpleNamespace(inference=inference), [["GPE"]], lambda text: []
    engine.most_words = engine.most_pieces = 10
    engine.schema = SimpleNamespace(ref="conflict-news@1.0.0")
    engine.annotator = Annotator(kind="engine", name="gliner", version="1")
    (annotation,) = engine.annotate([Article(id="kel-1", text="-")])
    assert annotation.entities == ()
