"""The release before: what a new one is compared with, and the rows it takes over without a second look.

Beside a release whose rows came with keys stands a hidden file, `.vX.Y.Z-….inputs`, which is never published: one line
an article with its key, the hash of all that its row was made from. Where the same key comes again, under the same
schema, policy and program, the row is the same and is copied from the Parquet files of the release before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
import pyarrow.parquet as pq

from curation.errors import BadInput, ReleaseError
from curation.files import read_jsonl
from curation.release.canonical import canonical
from curation.release.configs import CONFIGS
from curation.release.labels import Labels
from curation.release.manifest import (
    ARTICLES,
    DATA,
    LABELS,
    SCHEMA,
    SPLIT_TABLE,
    Manifest,
    Selection,
    differing,
    read_labels,
    read_schema,
)
from curation.release.splits import SPLITS, Place, read_splits
from curation.schema import LabelSchema

_BATCH = 500
_TAKE_AGAIN = "take that release again from where it was published"


class Hashes(NamedTuple):
    """Of the row in `documents`, of the rows in the other configs, and of the text; 32 bytes each."""

    row: bytes
    more: bytes
    text: bytes


class Input(NamedTuple):
    """What an article's row was made from, by its hash, and what of it stands in no row.

    `lost` is what its sentences cannot hold, `agreement` the counts of how far several people agreed on it.
    """

    id: str
    key: bytes
    lost: Mapping[str, int]
    agreement: Sequence[int]

    def line(self) -> str:
        """As a line of JSON."""
        more = ""
        if any(self.lost.values()):
            more += ', "lost": ' + json.dumps({name: count for name, count in self.lost.items() if count})
        if self.agreement:
            more += f', "agreement": {list(self.agreement)}'
        return f'{{"id": {json.dumps(self.id)}, "key": "{self.key.hex()}"{more}}}\n'


class Before(NamedTuple):
    """The release before. `inputs` by key, where there are any that can be relied upon."""

    folder: Path
    manifest: Manifest
    schema: LabelSchema
    labels: Labels
    table: dict[str, Place]
    known: dict[str, Hashes]
    inputs: dict[bytes, Input]


def read_before(folder: Path | None, recipe: str) -> Before | None:
    """The release in `folder`, after a look whether what this one stands on is what its manifest says.

    Its inputs are taken where they were made by the same `recipe`.
    """
    if folder is None:
        return None
    manifest = Manifest.read(folder)
    if wrong := differing(folder, manifest, (LABELS, SCHEMA, SPLIT_TABLE, ARTICLES)):
        raise ReleaseError(f"{folder}: {wrong[0]}; {_TAKE_AGAIN}")
    known = _read_known(folder / ARTICLES)
    inputs = _read_inputs(inputs_of(folder, manifest.logical_sha256, recipe), known)
    rows = [f"{config}/{split}.parquet" for config in CONFIGS for split in SPLITS]
    if inputs and (wrong := differing(folder, manifest, rows)):
        raise ReleaseError(f"{folder}: {wrong[0]}; {_TAKE_AGAIN}")
    table = read_splits(folder / SPLIT_TABLE)
    return Before(folder, manifest, read_schema(folder), read_labels(folder), table, known, inputs)


def recipe(schema: LabelSchema, selection: Selection, told: str) -> str:
    """Hex SHA-256 of all that rows depend on beside their input: schema, policy, this program, and what is `told`."""
    digest = hashlib.sha256()
    policy = [sorted(selection.licences), selection.engine_only, told]
    for part in (schema.model_dump(mode="json"), policy):
        digest.update(canonical(part) + b"\n")
    code = Path(__file__).resolve().parents[1]
    for path in sorted(code.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def rows_before(before: Before, configs: Sequence[str]) -> Iterator[tuple[pa.RecordBatch, Mapping[str, pa.Table]]]:
    """The rows of `documents` in the release before, some hundreds at a time, and theirs of these other configs."""
    for split in SPLITS:
        with ExitStack() as stack:
            files = {
                config: stack.enter_context(pq.ParquetFile(before.folder / config / f"{split}.parquet"))
                for config in (DATA, *configs)
            }
            beside = {config: _InOrder(files[config]) for config in configs}
            for batch in files[DATA].iter_batches(batch_size=_BATCH):
                last = batch["id"][batch.num_rows - 1].as_py()
                yield batch, {config: rows.until(last) for config, rows in beside.items()}


class _InOrder:
    """Rows that come sorted by article, taken as far as an article at a time."""

    def __init__(self, file: pq.ParquetFile) -> None:
        self._schema, self._batches = file.schema_arrow, file.iter_batches(batch_size=_BATCH)
        self._held: list[pa.RecordBatch] = []

    def until(self, article_id: str) -> pa.Table:
        """The rows up to this article, its own included."""
        found, held = [], self._held
        self._held = []
        for batch in chain(held, self._batches):
            count = pc.sum(pc.less_equal(batch["id"], article_id)).as_py() or 0
            found.append(batch[:count])
            if count < batch.num_rows:
                self._held = [batch[count:]]
                break
        return pa.Table.from_batches(found, self._schema)


class OldRows:
    """Rows of the release before, put aside on disk."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "old.arrow"
        self._writer: pa.ipc.RecordBatchStreamWriter | None = None
        self._sink: pa.OSFile | None = None

    def append(self, batch: pa.RecordBatch) -> None:
        """Put more rows aside."""
        if self._writer is None:
            self._sink = pa.OSFile(str(self._path), "wb")
            self._writer = pa.ipc.new_stream(self._sink, batch.schema)
        self._writer.write_batch(batch)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """All of them, one at a time, with ClassLabel integers."""
        self.close()
        if self._sink is not None:
            with pa.memory_map(str(self._path)) as source, pa.ipc.open_stream(source) as reader:
                for batch in reader:
                    yield from batch.to_pylist()

    def close(self) -> None:
        """No more rows come."""
        if self._writer is not None and self._sink is not None and not self._sink.closed:
            self._writer.close()
            self._sink.close()


def inputs_of(release: Path, logical_sha256: str, recipe: str) -> Path:
    """Where the inputs of that release stand, if its rows were made by this recipe."""
    return release.with_name(f".{release.name}-{logical_sha256[:16]}-{recipe[:16]}.inputs")


def _read_known(path: Path) -> dict[str, Hashes]:
    """The hashes of every article in the release before, from a file that is as the manifest says."""
    names = ("id", "row_sha256", "more_sha256", "text_sha256")
    try:
        table = pj.read_json(path).select(names)
    except (pa.ArrowException, KeyError, OSError) as error:
        raise ReleaseError(f"{path}: cannot be read: {error}; {_TAKE_AGAIN}") from error
    hashes = ([bytes.fromhex(one) for one in table[name].to_pylist()] for name in names[1:])
    return dict(zip(table["id"].to_pylist(), map(Hashes, *hashes), strict=True))


def _read_inputs(path: Path, known: Container[str]) -> dict[bytes, Input]:
    """The inputs of the articles in a release; none where there is no such file, or not a good one."""
    found: dict[bytes, Input] = {}
    try:
        for _, one in read_jsonl(path) if path.is_file() else ():
            if one["id"] in known:
                key = bytes.fromhex(one["key"])
                found[key] = Input(one["id"], key, one.get("lost", {}), one.get("agreement", ()))
    except (BadInput, KeyError, ValueError, TypeError):
        return {}
    return found
