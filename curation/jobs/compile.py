"""Compile: inline annotations, written by people, become annotations with offsets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from curation.annotation import Annotation, Annotator
from curation.errors import BadInput
from curation.files import write_jsonl
from curation.formats.inline_markup import SUFFIX, read_folder
from curation.jobs.inputs import usable_articles
from curation.jobs.options import Argument, Option
from curation.result import Result
from curation.settings import Settings
from curation.validation import validate


class CompileResult(Result):
    """The content of the folder. `problems` names every inline file that is broken or does not fit the schema."""

    annotations: int
    entities: int
    events: int
    arguments: int
    out: str | None
    problems: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """1 where there are problems: nothing was written."""
        return 1 if self.problems else 0

    def show(self) -> Iterator[str]:
        """The counts."""
        yield (
            f"{self.annotations} annotations: {self.entities} entities, {self.events} events, "
            f"{self.arguments} arguments" + (f", in {self.out}" if self.out else "")
        )


def compile_inline(
    project: Settings,
    folder: Annotated[Path, Argument("A folder of inline files, <article id>.ann.txt.")],
    *,
    out: Annotated[Path | None, Option("Write the annotations there, as JSON lines.", metavar="FILE")] = None,
) -> CompileResult:
    """Read every inline file in `folder`, check it against its article and the schema, write JSON lines to `out`.

    Problems are collected, all of them; where there are any, nothing is written.

    Raises:
        BadInput: the folder holds no inline file, or an article cannot be used.
    """
    schema = project.load_schema()
    annotator = Annotator(kind="person", name=folder.name)
    found: list[Annotation] = []
    problems: list[str] = []
    known = set()
    unusable: list[BadInput] = []
    for article in usable_articles(project, unusable=unusable):
        known.add(f"{article.id}{SUFFIX}")
        path = folder / f"{article.id}{SUFFIX}"
        try:
            for annotation in read_folder(folder, [article], schema, annotator):
                found.append(annotation)
                for finding in validate(annotation, article, schema):
                    where = ""
                    if finding.item is not None:
                        item = annotation.item(finding.item)
                        line = article.text.count("\n", 0, item.start) + 1
                        where = f":{line}: {item.id} {article.text[item.start : item.end]!r}"
                    problems.append(f"{path}{where}: {finding.message}")
        except BadInput as error:
            problems.append(str(error))
    problems += map(str, unusable)
    strangers = sorted(path for path in folder.glob(f"*{SUFFIX}") if path.name not in known)
    problems += [f"{path}: there is no article of that id" for path in strangers]
    if not found and not problems:
        raise BadInput(f"holds no *{SUFFIX}", path=folder, way_out="name a folder of inline files")
    if out is not None and not problems:
        write_jsonl(out, (annotation.to_json() for annotation in found))
    return CompileResult(
        annotations=len(found),
        entities=sum(len(one.entities) for one in found),
        events=sum(len(one.events) for one in found),
        arguments=sum(len(event.arguments) for one in found for event in one.events),
        out=str(out) if out is not None and not problems else None,
        problems=tuple(problems),
    )
