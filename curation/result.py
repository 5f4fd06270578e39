"""Results of jobs: typed values that show themselves on a terminal, in a notebook and as a data frame.

A result says once, in `show`, what a reader wants to see: lines and tables. Text in them may come from articles, labels
or servers: it is escaped here, for every output.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from curation.article import Value
from curation.errors import CurationError, escaped

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.text import Text


class Styled(NamedTuple):
    """Text with a style of rich, such as `bold`."""

    text: str
    style: str


class Line(NamedTuple):
    """A line of plain and styled parts."""

    parts: Sequence[str | Styled]


class Table(NamedTuple):
    """A table. The first column and those in `left` are aligned to the left, the others hold figures."""

    columns: Sequence[str]
    rows: Iterable[Sequence[str | int | Styled]]
    title: str = ""
    left: Collection[str] = ()


Block = str | Line | Table
"""What a result shows: a line of plain text, a styled line, or a table."""


class Result(Value):
    """Base of what a job returns. `model_dump(mode="json")` is the object that `--json` prints."""

    holds_secrets: ClassVar[bool] = False
    """Whether the object shows a key or password that the user asked for; else all known secrets are struck out."""

    def show(self) -> Iterator[Block]:
        """What the job is for, as lines and tables. Keyword parameters of a subclass are options of its command."""
        yield from ()

    def messages(self) -> Iterator[str]:
        """Problems, and things that were set aside, one line each. Default: the field `problems`, if there is one."""
        yield from getattr(self, "problems", ())

    @property
    def exit_code(self) -> int:
        """0 done; 3 done, but something was set aside and named; 1 refused or failed."""
        return 0

    def __rich__(self) -> Group:
        from rich.console import Group

        return Group(*map(renderable, self.show()))

    def _repr_html_(self) -> str:
        return "\n".join(map(_html, self.show()))


class TableResult(Result):
    """A result that is also a table of records."""

    @abstractmethod
    def records(self) -> list[dict[str, Any]]:
        """The rows of the table: column → value, not formatted."""

    def to_frame(self) -> Any:
        """`records()` as a pandas DataFrame.

        Raises:
            CurationError: pandas is not installed.
        """
        try:
            pandas = import_module("pandas")
        except ImportError as error:
            raise CurationError("a data frame needs pandas; pip install pandas") from error
        return pandas.DataFrame(self.records())


def renderable(block: Block) -> RenderableType:
    """The block for a console of rich; nothing in its text is read as markup."""
    from rich import table
    from rich.text import Text

    if isinstance(block, str):
        return Text(escaped(block), overflow="fold")
    if isinstance(block, Line):
        return Text.assemble(*map(_text, block.parts), overflow="fold")
    title = Text(escaped(block.title)) if block.title else None
    made = table.Table(box=None, pad_edge=False, title=title, title_justify="left", show_header=any(block.columns))
    for place, column in enumerate(block.columns):
        left = place == 0 or column in block.left
        made.add_column(Text(escaped(column)), justify="left" if left else "right", overflow="fold")
    for row in block.rows:
        made.add_row(*map(_text, row))
    return made


def _text(part: str | int | Styled) -> Text:
    from rich.text import Text

    # a part may begin or end with a blank that belongs to the line
    text, style = part if isinstance(part, Styled) else (str(part), "")
    return Text(_inline(text), style)


def _inline(text: str) -> str:
    """As `escaped`, for a part of a line: white space at its end is kept as one blank."""
    return escaped(text) + (" " if text.strip() and text[-1].isspace() else "")


def _html(block: Block) -> str:
    if isinstance(block, str):
        return f"<p>{escape(escaped(block))}</p>"
    if isinstance(block, Line):
        return f"<p>{''.join(map(_html_part, block.parts))}</p>"
    title = f"<caption>{escape(escaped(block.title))}</caption>" if block.title else ""
    head = "".join(f"<th>{escape(escaped(column))}</th>" for column in block.columns)
    rows = "".join(f"<tr>{''.join(f'<td>{_html_part(cell)}</td>' for cell in row)}</tr>" for row in block.rows)
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _html_part(part: str | int | Styled) -> str:
    text, style = part if isinstance(part, Styled) else (str(part), "")
    safe = escape(_inline(text))
    return f"<b>{safe}</b>" if "bold" in style else safe
