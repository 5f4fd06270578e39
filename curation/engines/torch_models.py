"""What engines need to know of a torch model: where it runs, how much it reads, whether it is still the same."""

from __future__ import annotations

import hashlib
from typing import Any

import torch

SAMPLE = 1024
"""Weights of a tensor that stand for all of them: training changes every one."""


def device(name: str | None) -> str:
    """The device named, or a GPU where there is one."""
    return name or ("cuda" if torch.cuda.is_available() else "cpu")


def digest(model: torch.nn.Module) -> str:
    """Eight hex digits of a hash of the weights."""
    found = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        flat = tensor.detach().reshape(-1)
        some = flat[:: max(1, flat.numel() // SAMPLE)].to("cpu", torch.float64)
        found.update(f"{name} {tuple(tensor.shape)}".encode())
        found.update(some.contiguous().numpy().tobytes())
    return found.hexdigest()[:8]


def most_pieces(model: torch.nn.Module, tokenizer: Any) -> int | None:
    """How many pieces a text may have, special ones included; None where nothing says so.

    The tokenizer may cut what is longer without a word, and an encoder has only so many positions.
    """
    limits = [tokenizer.model_max_length]
    for module in model.modules():
        positions = getattr(getattr(module, "config", None), "max_position_embeddings", None)
        if isinstance(positions, int) and positions > 0:
            limits.append(positions - 2)  # RoBERTa keeps two for itself
            break
    found = min(limits)
    return int(found) if found < 1_000_000 else None


def pieces_of(tokenizer: Any, words: list[str]) -> list[int]:
    """How many pieces the tokenizer makes of each word."""
    counts = [0] * len(words)
    for begin in range(0, len(words), 4096):
        some = words[begin : begin + 4096]
        cut = tokenizer(some, is_split_into_words=True, add_special_tokens=False, truncation=False, verbose=False)
        for place in cut.word_ids():
            if place is not None:
                counts[begin + place] += 1
    return counts
