"""Settings of a project: `curation.toml`, then the environment. Paths are absolute, secrets stay out of `repr`.

CURATION_PROJECT, CURATION_SCHEMA, CURATION_WORK     paths that replace the file's
CURATION_ENGINE, CURATION_MODEL                      the engine and its model
CURATION_SERVER_URL, …_API_KEY, …_REQUESTS, …_TOKENS the server engine's service and its budget
LABEL_STUDIO_URL, LABEL_STUDIO_API_KEY               Label Studio
LABEL_STUDIO_CA                                      a private certificate authority (PEM file)
HF_TOKEN, HF_ENDPOINT                                the Hub
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from curation.article import MAX_CHARACTERS, Value, build
from curation.errors import BadInput, ProjectError
from curation.files import is_url, read_text, user_path
from curation.schema import LabelSchema, load_schema

FILE = "curation.toml"
MAX_BYTES = 1_000_000
"""Largest curation.toml that is read, in bytes."""

SECRET = ("token", "api_key", "apikey", "password", "secret")
Option = bool | int | float | str | tuple[str, ...]
Title = Annotated[str, Field(min_length=1, max_length=200)]


class ProjectSection(Value):
    """`[project]`: inputs and the work folder.

    `max_characters` is the longest article that is used, in code points; a longer one is refused, the others go on.
    `clean = "html"` replaces a text with HTML by the text in it, on reading; offsets refer to the cleaned text.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    articles: tuple[str, ...] = Field(min_length=1)
    schema_path: str = Field(alias="schema")
    gold: str | None = None
    work: str = "work"
    max_characters: int = Field(default=200_000, ge=1, le=MAX_CHARACTERS)
    clean: Literal["html"] | None = None


class EngineSection(Value):
    """`[engine]`: the engine that pre-annotates, its model and its options (`[engine.options]`)."""

    name: str = "spacy"
    model: str | None = None
    options: dict[str, Option] = Field(default_factory=dict)


class LabelStudioSection(Value):
    """`[labelstudio]`: its address and the title of our project there. The API key comes from the environment."""

    url: str | None = Field(default=None, pattern=r"^https?://")
    title: Title | None = None
    batch_size: int = Field(default=500, ge=1, le=5000)
    ca: str | None = None


class ReleaseSection(Value):
    """`[release]`: the texts of the dataset card, and the file with the articles that must not be released."""

    title: Title | None = None
    licence: str | None = None
    description: str | None = Field(default=None, max_length=2000)
    citation: str | None = Field(default=None, max_length=5000)
    takedown: str | None = None


class ReviewSection(Value):
    """`[review]`: whose annotations count, when they agree, and which articles are annotated twice or blind.

    `annotators` are pseudonyms (as in reports and releases) or Label Studio ids (`ls-3`); empty: everyone counts.
    `needed` annotators must have annotated an article before it is reviewed, and as many must agree.
    `undecided` is what counts where people differ: nothing until it is decided (`wait`), the `latest` submission, or
    what the largest group says (`majority`; a tie waits).
    `overlap` and `blind` are shares of the articles, such as `10%`.
    """

    annotators: tuple[Title, ...] = ()
    needed: int = Field(default=2, ge=2, le=100)
    ignore_attributes: tuple[Title, ...] = ()
    undecided: Literal["wait", "latest", "majority"] = "wait"
    overlap: str = Field(default="0%", pattern=r"^\d{1,3}(\.\d{1,4})?%$")
    blind: str = Field(default="0%", pattern=r"^\d{1,3}(\.\d{1,4})?%$")


class File(Value):
    """The content of curation.toml."""

    project: ProjectSection
    engine: EngineSection = EngineSection()
    labelstudio: LabelStudioSection = LabelStudioSection()
    release: ReleaseSection = ReleaseSection()
    review: ReviewSection = ReviewSection()


class Settings(Value):
    """The settings that every job takes. `root` is the folder of curation.toml."""

    root: Path
    name: str
    articles: tuple[str, ...]
    schema_path: Path
    gold: Path | None
    work: Path
    engine: EngineSection
    title: str
    batch_size: int
    url: str | None
    api_key: SecretStr | None
    ca: Path | None
    hf_token: SecretStr | None
    release: ReleaseSection
    review_rules: ReviewSection = ReviewSection()
    """The section `[review]`; `review` is a method of a project."""
    max_characters: int = ProjectSection.model_fields["max_characters"].default
    clean: Literal["html"] | None = None

    @property
    def preannotations(self) -> Path:
        """The default file that `preannotate` writes and `push` reads."""
        return self.work / "preannotations" / f"{self.engine.name}.jsonl"

    @property
    def cache(self) -> Path:
        """Cache of the engines: expensive to recompute, may be removed at any time."""
        return self.work / "cache"

    @property
    def originals(self) -> Path:
        """Articles as they came, where HTML was removed: <text_sha256 of the cleaned text>.html."""
        return self.work / "originals"

    @property
    def studio(self) -> Path:
        """The data folder of the local Label Studio."""
        return self.work / "studio"

    @property
    def releases(self) -> Path:
        """The folder of releases, `vX.Y.Z` each."""
        return self.work / "releases"

    @property
    def takedown(self) -> Path | None:
        """The file that lists articles to keep out of releases, if there is one."""
        return (self.root / user_path(self.release.takedown)).resolve() if self.release.takedown else None

    def load_schema(self) -> LabelSchema:
        """The project's label schema. Raises SchemaError."""
        return load_schema(self.schema_path)

    @property
    def lexicon(self) -> Path | None:
        """The lexicon of the rule engines, beside the schema, if the schema names one."""
        name = self.load_schema().lexicon
        return self.schema_path.parent / name if name else None


def load_settings(file: Path | None = None) -> Settings:
    """The settings in `file`, by default the nearest curation.toml from here upwards.

    Raises:
        ProjectError: there is none, or it or an environment variable cannot be used; names the file and the field.
    """
    file = _find(file or _from_environment("CURATION_PROJECT"))
    try:
        record = tomllib.loads(read_text(file, limit=MAX_BYTES))
    except BadInput as error:
        raise ProjectError(error.what, path=file, line=error.line, way_out=error.way_out) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ProjectError(f"not TOML we can read: {error}", path=file, way_out="correct that line") from error
    if _mentions_secret(record):
        way_out = "set LABEL_STUDIO_API_KEY or HF_TOKEN in the environment, and renew a key that was committed"
        raise ProjectError("holds a secret", path=file, way_out=way_out)
    try:
        content = build(File, record, path=file)
    except BadInput as error:
        raise ProjectError(error.what, path=file, field=error.field, way_out=error.way_out) from error
    try:
        return resolve(content, file.resolve().parent)
    except ProjectError:
        raise
    except BadInput as error:  # a path in it
        raise ProjectError(f"the path {error.path} {error.what}", path=file, way_out=error.way_out) from error


def find_settings() -> Settings | None:
    """As `load_settings`, but None where there is no curation.toml here or above.

    Raises:
        ProjectError: the file or an environment variable cannot be used.
    """
    file = _from_environment("CURATION_PROJECT") or _nearest()
    return load_settings(file) if file is not None else None


def resolve(content: File, root: Path) -> Settings:
    """The settings in `content`: environment variables replace values, relative paths start at `root`.

    Raises:
        ProjectError: the address of Label Studio cannot be used.
        BadInput: a path cannot be used.
    """

    def path(name: str) -> Path:
        return (root / user_path(name)).resolve()

    project, engine, studio = content.project, content.engine, content.labelstudio
    url = os.environ.get("LABEL_STUDIO_URL") or studio.url
    if url and not url.startswith(("http://", "https://")):
        what = "the address holds a password" if "@" in url else f"{url} is not an address"
        way_out = "give an API key instead" if "@" in url else "begin with http:// or https://"
        raise ProjectError(what, field="LABEL_STUDIO_URL", way_out=way_out)
    ca = os.environ.get("LABEL_STUDIO_CA") or studio.ca
    return Settings(
        root=root,
        name=project.name,
        articles=tuple(source if is_url(source) else str(root / user_path(source)) for source in project.articles),
        schema_path=_from_environment("CURATION_SCHEMA") or path(project.schema_path),
        gold=path(project.gold) if project.gold else None,
        work=_from_environment("CURATION_WORK") or path(project.work),
        engine=EngineSection(
            name=os.environ.get("CURATION_ENGINE") or engine.name,
            model=os.environ.get("CURATION_MODEL") or engine.model,
            options=engine.options,
        ),
        title=studio.title or project.name,
        batch_size=studio.batch_size,
        url=url.rstrip("/") if url else None,
        api_key=_secret("LABEL_STUDIO_API_KEY"),
        ca=path(ca) if ca else None,
        hf_token=_secret("HF_TOKEN"),
        release=content.release,
        review_rules=content.review,
        max_characters=project.max_characters,
        clean=project.clean,
    )


def _find(file: Path | None) -> Path:
    if file is not None:
        file = file / FILE if file.is_dir() else file
        if not file.is_file():
            raise ProjectError("not found", path=file, way_out="name a curation.toml, or make one: curation init DIR")
        return file
    nearest = _nearest()
    if nearest is None:
        raise ProjectError(
            f"no {FILE} here or above", path=Path.cwd(), way_out="make a project with `curation init DIR`"
        )
    return nearest


def _nearest() -> Path | None:
    here = Path.cwd()
    return next((folder / FILE for folder in (here, *here.parents) if (folder / FILE).is_file()), None)


def _from_environment(name: str) -> Path | None:
    value = os.environ.get(name)
    return user_path(value).resolve() if value else None


def _secret(name: str) -> SecretStr | None:
    value = (os.environ.get(name) or "").strip()
    return SecretStr(value) if value else None


def _mentions_secret(record: dict[str, Any]) -> bool:
    for section in record.values():
        if isinstance(section, dict):
            if any(word in key.lower() for key in section for word in SECRET):
                return True
            if _mentions_secret(section):
                return True
    return False
