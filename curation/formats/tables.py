"""Rows of CSV, TSV and Parquet files, as people and programs write them. One bad row costs that row alone.

The separator of a CSV file is found out from its header, and the names of columns count without regard to case and to
the blanks around them. What was not as expected is logged once a file.
"""

from __future__ import annotations

import csv
import logging
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from curation.article import MAX_CHARACTERS
from curation.errors import BadInput, one_line

MAX_BYTES = 4 * MAX_CHARACTERS
"""Longest text in a file, in bytes."""

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_log = logging.getLogger("curation")

Row = tuple[int, dict[str, Any] | BadInput]
"""The number of a row (in Parquet) or of its first line (in CSV), and its cells by the name of their column."""


def csv_rows(path: Path, fields: Sequence[str], required: Sequence[str], *, shown: str) -> Iterator[Row]:
    """The rows of a CSV or TSV file.

    Args:
        fields: names of columns that are known; others keep the name that they have in the file.
        required: those without which no row can be used.
        shown: the name of the file in messages.

    Raises:
        BadInput: the file has none of its required columns or one twice, or is no UTF-8 text.
        OSError: it cannot be read.
    """
    csv.field_size_limit(MAX_BYTES)
    with path.open("rb") as raw:
        if raw.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            raise BadInput("is UTF-16", path=shown, way_out="save it as UTF-8")
    # Bytes that are not UTF-8 become surrogates, so that they cost the row that has them and no other.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
        first = lines.readline(MAX_BYTES)
        before = 0
        given = first.strip()[4:].strip('"') if first[:4].lower() == "sep=" else ""  # a line that Excel writes
        if given or first.strip().lower() == "sep=":
            first, before = lines.readline(MAX_BYTES), 1
        if not first.strip():
            raise BadInput("has no header", path=shown, way_out=f"name the columns {', '.join(required)}")
        separator = given if given in _SEPARATORS else _separator(first, fields, path.suffix.lower())
        style: dict[str, Any] = {"delimiter": separator}
        header = next(csv.reader([first], **style), [])
        if header[1:] and all(column.startswith(" ") for column in header[1:]):  # a blank after each separator
            style["skipinitialspace"] = True
            header = next(csv.reader([first], **style), [])
        names = column_names(
            header, fields, required, shown=shown, separated=f", separated by {_SEPARATORS[separator]}"
        )
        if separator != {".tsv": "\t"}.get(path.suffix.lower(), ","):
            _log.warning("%s: read with %s between cells", one_line(shown), _SEPARATORS[separator])
        for line, cells in _records(lines, before + 2, len(names), style):
            if isinstance(cells, str):
                yield line, BadInput(cells, path=shown, line=line, way_out="quote and correct that row")
            elif len(cells) > len(names):
                fault = BadInput("has more cells than the header", path=shown, line=line,
                                 way_out=f"quote {_SEPARATORS[separator]} in cells")  # fmt: skip
                yield line, fault
            elif any("\udc80" <= char <= "\udcff" for cell in cells for char in cell):
                yield line, BadInput("not UTF-8", path=shown, line=line, way_out="convert the file to UTF-8")
            elif cells:
                yield line, dict(zip(names, cells, strict=False))


def parquet_rows(path: Path, fields: Sequence[str], required: Sequence[str], *, shown: str) -> Iterator[Row]:
    """The rows of a Parquet file; a cell that Python cannot hold costs its row.

    Raises:
        BadInput: it is no Parquet, or has none of its required columns or one twice.
        OSError: it cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = column_names(file.schema_arrow.names, fields, required, shown=shown)
            number = 0
            for batch in file.iter_batches(batch_size=64):
                table = batch.rename_columns(names)
                for place in range(len(table)):
                    number += 1
                    yield number, _parquet_row(table, place, number, shown)
    except pa.ArrowException as error:
        raise BadInput(f"not Parquet we can read: {error}", path=shown, way_out="write it again") from error


def column_names(
    header: Sequence[str], fields: Sequence[str], required: Sequence[str], *, shown: str, separated: str = ""
) -> list[str]:
    """The names of columns: those of `fields` whatever their case and blanks, all others as they are.

    Raises:
        BadInput: one of `required` is missing, or a column is duplicated.
    """
    names = []
    for number, column in enumerate(header, start=1):
        bare = column.strip()
        known = bare.casefold()
        names.append(known if known in fields and known not in header else bare or f"column {number}")
    twice = [name for name, count in Counter(name.casefold() for name in names).items() if count > 1]
    understood = f"its columns are {', '.join(one_line(name, 40) for name in names[:12])}{separated}"
    if twice:
        raise BadInput(f"is a duplicated column; {understood}", path=shown, line=1, field=one_line(twice[0], 40),
                       way_out="rename one of them")  # fmt: skip
    if missing := [name for name in required if name not in names]:
        raise BadInput(f"has no column {' and no column '.join(missing)}; {understood}", path=shown, line=1,
                       way_out=f"name the columns {', '.join(required)}")  # fmt: skip
    renamed = [f"{old!r} as {new}" for old, new in zip(header, names, strict=True) if new in fields and old != new]
    if renamed:
        _log.warning("%s: read column %s", one_line(shown), one_line(", ".join(renamed)))
    return names


def _separator(header: str, fields: Sequence[str], suffix: str) -> str:
    """The separator that gives the header the most columns that are known, else the most columns."""

    def weight(separator: str) -> tuple[int, int, bool]:
        columns = next(csv.reader([header], delimiter=separator, skipinitialspace=True), [])
        known = sum(column.strip().casefold() in fields for column in columns)
        return known, len(columns), (separator == "\t") == (suffix == ".tsv")

    return max(_SEPARATORS, key=weight)


def _records(
    lines: Iterator[str], first: int, width: int, style: dict[str, Any]
) -> Iterator[tuple[int, list[str] | str]]:
    """The first line and the cells of each record, or what is wrong with it.

    A quote that is not closed joins the rows after it to its own. A record of several lines that cannot be parsed, or
    has another number of cells than the header, is taken for one of these: its first line is reported, and the next
    line begins a record.
    """
    number, waiting = first, deque[str]()
    taken: list[str] = []

    def feed() -> Iterator[str]:
        while line := (waiting.popleft() if waiting else next(lines, "")):
            taken.append(line)
            yield line

    while True:
        taken.clear()
        cells: list[str] | str
        try:
            found = next(csv.reader(feed(), strict=True, **style), None)
            cells = [] if found is None else found
        except csv.Error as error:
            cells = f"not CSV we can read ({error})"
        if not taken:
            return
        if len(taken) > 1 and (isinstance(cells, str) or len(cells) != width):
            problem = "has a quote that is not closed"
            if not isinstance(cells, str):
                problem += f", or with the lines after it {len(cells)} cells instead of {width}"
            waiting.extendleft(reversed(taken[1:]))
            del taken[1:]
            cells = problem
        yield number, cells
        number += len(taken)


def _parquet_row(table: Any, place: int, number: int, shown: str) -> dict[str, Any] | BadInput:
    row = {}
    for name, column in zip(table.schema.names, table.columns, strict=True):
        try:
            row[name] = column[place].as_py()
        except Exception as error:  # pyarrow has many: of time zones, of dates, of bytes, and its own
            what = f"cannot be read: {one_line(str(error), 100)}"
            return BadInput(what, path=shown, line=number, field=name, way_out="write that cell as text")
    return row


def sample(names: Sequence[str], count: int = 3) -> str:
    """The first of `names`, for a message."""
    shown = ", ".join(one_line(name, 60) for name in islice(names, count))
    return shown + (", …" if len(names) > count else "")
