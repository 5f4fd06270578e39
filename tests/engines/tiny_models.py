"""Tiny GLiNER and GLiNER2 models that know a few invented names, trained in seconds: `python tiny_models.py FOLDER`.

Runs in the environment of `make trainers`. Their encoder knows only how far words are from each other, so that what
they learn from short texts holds anywhere in a window.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

import torch
from gliner import GLiNER, GLiNERConfig
from gliner.data_processing.collator import UniEncoderSpanDataCollator
from gliner2 import AutoExtractor
from gliner2.configuration import ExtractorConfig
from gliner2.training.trainer import ExtractorCollator, ExtractorDataset
from tokenizers import BertWordPieceTokenizer
from transformers import AutoConfig, AutoTokenizer, DebertaV2Config, DebertaV2Model, PreTrainedTokenizerFast

NAMES = {
    "GPE": ["Kelmar", "Torvan", "Ostrel", "Pellas"],
    "Person": ["Doran Melk", "Ida Halloran", "Ruan Teck"],
    "Weapon": ["rockets", "mortars"],
}
# `{type|role of the event before}`, `<event>` for its trigger
SENTENCES = [
    "{GPE|attacker} troops <Attack shelled> {GPE|target} on Monday .",
    "Officials in {GPE} met {Person} .",
    "{Person} said {Weapon|instrument} <Attack hit> {GPE|target} .",
    "The rebels <Attack fired> {Weapon|instrument} at {GPE|target} , {Person} told reporters .",
    "Nothing happened on Monday , officials said .",
]
ROLES = {"Attack": ["attacker", "target", "instrument"]}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz 0123456789 .,:;!?'\"()-@"


def example() -> tuple[list[str], list[tuple[int, int, str]], list[dict[str, Any]]]:
    """Words, entities `(first, last, type)`, and events: type, trigger's place, fillers of each role."""
    words: list[str] = []
    entities: list[tuple[int, int, str]] = []
    events: list[dict[str, Any]] = []
    for sentence in random.choices(SENTENCES, k=random.choice((1, 2, 5, 12))):
        event: dict[str, Any] = {"roles": {}}
        for part in sentence.replace("<Attack ", "<Attack_").split():
            if part[0] == "{":
                type_, _, role = part[1:-1].partition("|")
                name = random.choice(NAMES[type_]).split()
                if role:
                    event["roles"].setdefault(role, []).append(" ".join(name))
                entities.append((len(words), len(words) + len(name) - 1, type_))
                words += name
            elif part[0] == "<":
                event["type"], event["trigger"] = part[1:-1].split("_")
                words.append(event["trigger"])
            else:
                words.append(part)
        if "type" in event:
            events.append(event)
    return words, entities, events


def encoder(folder: Path) -> None:
    """A DeBERTa of two layers with a tokenizer of its own."""
    # Written down rather than trained: training a tokenizer gives another one each time, and so another model.
    texts = [" ".join(example()[0]) for _ in range(200)]
    words = {word for text in texts for word in (*text.split(), *text.lower().split())}
    letters = [letter for letter in LETTERS if letter != " "]
    known = [*("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"), *letters, *(f"##{letter}" for letter in letters)]
    known += sorted(words - {*known})
    pieces = BertWordPieceTokenizer({piece: number for number, piece in enumerate(known)}, lowercase=False)
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=pieces._tokenizer, model_max_length=400, **special).save_pretrained(folder)
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 128}
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    relative = {
        "relative_attention": True,
        "position_buckets": 16,
        "pos_att_type": ["p2c", "c2p"],
        "share_att_key": True,
    }
    size = {"vocab_size": pieces.get_vocab_size(), "max_position_embeddings": 402, "position_biased_input": False}
    DebertaV2Model(DebertaV2Config(**size, **sizes, **none, **relative)).save_pretrained(folder)


def fit(model: torch.nn.Module, loss: Any, steps: int) -> None:
    """Train it so many batches, with ever smaller steps."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    slower = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    model.train()
    for _ in range(steps):
        loss().backward()
        optimizer.step()
        slower.step()
        optimizer.zero_grad()
    model.eval()


def gliner(folder: Path, base: Path, steps: int) -> None:
    """A span model for the types' names in words."""
    asked = {"GPE": "GPE", "Person": "person", "Weapon": "weapon"}
    model = GLiNER.from_config(
        GLiNERConfig(model_name=str(base), max_width=6, hidden_size=64, max_len=200, dropout=0.0)
    )
    collate = UniEncoderSpanDataCollator(model.config, data_processor=model.data_processor, prepare_labels=True)

    def loss() -> torch.Tensor:
        records = []
        for _ in range(8):
            words, entities, _ = example()
            ner = [[first, last, asked[type_]] for first, last, type_ in entities]
            records.append({"tokenized_text": words, "ner": ner, "ner_labels": list(asked.values())})
        batch = {name: value for name, value in collate(records).items() if isinstance(value, torch.Tensor)}
        return model.model(**batch).loss

    fit(model.model, loss, steps)
    model.save_pretrained(folder)


def gliner2(folder: Path, base: Path, steps: int) -> None:
    """A boundary model for entities and events, as our export for training tells them."""
    config = ExtractorConfig(model_name=str(base), architecture="span", span_head={"max_width": 6}, max_len=200)
    tokenizer = AutoTokenizer.from_pretrained(base)
    model = AutoExtractor.from_config(config, encoder_config=AutoConfig.from_pretrained(base), tokenizer=tokenizer)
    lines: list[dict[str, Any]] = []
    for _ in range(400):
        words, entities, events = example()
        mentions: dict[str, list[str]] = {name: [] for name in NAMES}
        for first, last, type_ in entities:
            mentions[type_].append(" ".join(words[first : last + 1]))
        lines.append({"input": " ".join(words), "output": {"entities": mentions}})
        if events:  # apart, since the engine asks apart
            structures = [
                {
                    one["type"]: {
                        "trigger": one["trigger"],
                        **{role: one["roles"].get(role, []) for role in ROLES[one["type"]]},
                    }
                }
                for one in events
            ]
            lines.append({"input": " ".join(words), "output": {"json_structures": structures}})
    path = folder.with_suffix(".jsonl")
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    data = ExtractorDataset(str(path), shuffle=False, validate=False)
    collate = ExtractorCollator(model.processor, is_training=False, architecture="span")

    def loss() -> torch.Tensor:
        batch = collate([data[random.randrange(len(data))] for _ in range(8)])
        return model(batch)["total_loss"]

    fit(model, loss, steps)
    model.save_pretrained(folder)


if __name__ == "__main__":
    torch.set_num_threads(1)
    random.seed(0)
    torch.manual_seed(0)
    here = Path(sys.argv[1])
    encoder(here / "encoder")
    steps = [int(one) for one in sys.argv[2:]] or [500, 360]
    gliner(here / "gliner", here / "encoder", steps[0])
    gliner2(here / "gliner2", here / "encoder", steps[1])
