"""Init: a new project of the same shape as this repository's sample, anywhere."""

from __future__ import annotations

import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import curation
from curation.errors import BadInput, CurationError
from curation.jobs.options import Argument, Option
from curation.result import Result
from curation.settings import FILE

MAKING = ".curation-init-"
"""Prefix of the temporary folder in which a project is made before it is moved to its place."""


class InitResult(Result):
    """The new project: its folder, and the files in it, relative to the folder."""

    folder: str
    files: tuple[str, ...]

    def show(self) -> Iterator[str]:
        """Where the project is, and the next step."""
        folder, sample = Path(self.folder), "corpus/gold" in {str(Path(file).parent) for file in self.files}
        if sample:
            yield f"project made in {folder}, with the sample articles"
        else:
            yield f"project made in {folder}; put articles into {folder / 'corpus' / 'articles'}"
            yield f"before you publish, state the licence of your annotations in {folder / 'curation.toml'}"
        change = "" if folder == Path.cwd() else f"cd {shlex.quote(str(folder))}, "
        yield f"next: {change}curation preannotate, curation studio start, curation push"


def init(
    folder: Annotated[Path, Argument("A new or empty folder.", metavar="DIR")],
    *,
    sample: Annotated[bool, Option("Include the sample articles.")] = False,
) -> InitResult:
    """Make `folder` a project; with `sample` it includes the sample articles and their annotations.

    A new folder appears whole or not at all; in an empty folder `curation.toml` comes last.

    Raises:
        BadInput: the folder holds something already, or is a file.
    """
    folder = folder.resolve()
    if folder.exists() and not folder.is_dir():
        raise BadInput("is a file", path=folder, way_out="name a new or an empty folder")
    source = _source()
    try:
        for leftover in folder.glob(f"{MAKING}*"):
            shutil.rmtree(leftover, ignore_errors=True)  # of a run that was killed
        if folder.exists() and any(folder.iterdir()):
            raise BadInput("is not empty", path=folder, way_out="name a new or an empty folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        # An existing folder may be a mounted volume, into which nothing can be renamed from outside.
        place = folder if folder.exists() else folder.parent
        with tempfile.TemporaryDirectory(prefix=MAKING, dir=place) as made:
            here = Path(made) / folder.name
            shutil.copytree(source / "schemas", here / "schemas")
            if sample:
                shutil.copytree(source / "corpus", here / "corpus")
            else:
                (here / "corpus" / "articles").mkdir(parents=True)
            settings = (source / FILE).read_text(encoding="utf-8")
            (here / FILE).write_text(settings if sample else _own(settings, folder.name), encoding="utf-8")
            (here / ".gitignore").write_text("/work/\n", encoding="utf-8")
            if folder.exists():  # it may be the current folder of a shell: fill it, do not replace it
                for part in sorted(here.iterdir(), key=lambda part: part.name == FILE):
                    part.rename(folder / part.name)
            else:
                here.rename(folder)
    except OSError as error:
        what = f"{folder}: cannot be made: {error.strerror or error}; correct that and run again"
        raise CurationError(what) from error
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return InitResult(folder=str(folder), files=tuple(files))


def _own(settings: str, folder: str) -> str:
    """The settings of the sample without what belongs to its corpus: names, licence, description, gold."""
    name = re.sub(r"[^a-z0-9]+", "-", folder.lower()).strip("-")[:40].rstrip("-") or "news"
    title = f"{name.replace('-', ' ').capitalize()} news" if len(name) < 3 else name.replace("-", " ").capitalize()
    own = {
        ("project", "name"): f'name = "{name}"',
        ("project", "gold"): '# gold = "corpus/gold"                  # reviewed annotations, if you have some',
        ("labelstudio", "title"): f'title = "{title}"',
        ("release", "title"): f'title = "{title}"',
        (
            "release",
            "licence",
        ): '# licence = "CC-BY-4.0"                 # of the annotations; without it the card states none',
        ("release", "description"): '# description = "What the articles are and who annotated them."',
    }
    lines, section = [], ""
    for line in settings.splitlines():
        section = line.strip("[]") if line.startswith("[") else section
        lines.append(own.get((section, line.partition(" =")[0]), line))
    return "\n".join(lines) + "\n"


def _source() -> Path:
    """The sample project: packed into an installed package, or the root of the checkout."""
    package = Path(curation.__file__).parent
    packed = package / "_sample"
    return packed if packed.is_dir() else package.parent
