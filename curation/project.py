"""The Python API: a project whose methods are the commands of the terminal.

from curation import Project

project = Project.open()                        # the nearest curation.toml
project.preannotate()
print(project.evaluate(limit=100).to_frame())
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import update_wrapper
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import SecretStr

from curation.article import build
from curation.errors import escaped, keep_secret, redact
from curation.files import user_path
from curation.result import Result
from curation.settings import File, ProjectSection, Settings, load_settings, resolve

if TYPE_CHECKING:
    from curation.jobs.agreement import agreement as _agreement
    from curation.jobs.calibrate import calibrate as _calibrate
    from curation.jobs.check import dismiss as _dismiss
    from curation.jobs.check import find as _check
    from curation.jobs.compile import compile_inline as _compile
    from curation.jobs.corrections import corrections as _corrections
    from curation.jobs.ensemble import ensemble as _ensemble
    from curation.jobs.evaluate import evaluate as _evaluate
    from curation.jobs.export import export as _export
    from curation.jobs.import_ import import_ as _import
    from curation.jobs.preannotate import preannotate as _preannotate
    from curation.jobs.publish import publish as _publish
    from curation.jobs.pull import pull as _pull
    from curation.jobs.pull import watch as _watch
    from curation.jobs.push import push as _push
    from curation.jobs.releases import diff as _diff
    from curation.jobs.releases import verify as _verify
    from curation.jobs.report import report as _report
    from curation.jobs.review import review as _review
    from curation.jobs.send_findings import send_findings as _send_findings
    from curation.jobs.status import status as _status


class _Redact(logging.Filter):
    """Strikes known secrets out of log records."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        return True


_log = logging.getLogger("curation")
_log.addHandler(logging.NullHandler())
_log.addFilter(_Redact())


class Verb:
    """A method that is a function of `curation.jobs`, imported on first use. The project is its first argument.

    What the result reports as set aside is logged as warnings of the logger `curation`.

    Args:
        where: MODULE:FUNCTION below `curation.jobs`.
    """

    def __init__(self, where: str) -> None:
        self.where = where

    def function(self) -> Callable[..., Any]:
        """The function itself."""
        module, _, name = self.where.partition(":")
        found: Callable[..., Any] = getattr(import_module(f"curation.jobs.{module}"), name)
        return found

    def __get__(self, project: Any, owner: type) -> Any:
        if project is None:  # pydantic looks at the attributes of the class: this must not import the job
            return self
        function = self.function()

        def verb(*args: Any, **options: Any) -> Any:
            result = function(project, *args, **options)
            if isinstance(result, Result):
                for message in result.messages():
                    _log.warning("%s", escaped(message))
            return result

        update_wrapper(verb, function)
        given = signature(function)
        verb.__signature__ = given.replace(parameters=list(given.parameters.values())[1:])  # type: ignore[attr-defined]
        return verb


class Verbs:
    """The methods of a project. Type checkers see the functions themselves, so that each is declared once."""

    if TYPE_CHECKING:
        agreement = _agreement
        calibrate = _calibrate
        check = _check
        compile = _compile
        corrections = _corrections
        diff = _diff
        dismiss = _dismiss
        ensemble = _ensemble
        evaluate = _evaluate
        export = _export
        import_ = _import
        preannotate = _preannotate
        publish = _publish
        pull = _pull
        push = _push
        send_findings = _send_findings
        report = _report
        review = _review
        status = _status
        verify = _verify
        watch = _watch
    else:
        agreement = Verb("agreement:agreement")
        calibrate = Verb("calibrate:calibrate")
        check = Verb("check:find")
        compile = Verb("compile:compile_inline")
        corrections = Verb("corrections:corrections")
        diff = Verb("releases:diff")
        dismiss = Verb("check:dismiss")
        ensemble = Verb("ensemble:ensemble")
        evaluate = Verb("evaluate:evaluate")
        export = Verb("export:export")
        import_ = Verb("import_:import_")
        preannotate = Verb("preannotate:preannotate")
        publish = Verb("publish:publish")
        pull = Verb("pull:pull")
        push = Verb("push:push")
        send_findings = Verb("send_findings:send_findings")
        report = Verb("report:report")
        review = Verb("review:review")
        status = Verb("status:status")
        verify = Verb("releases:verify")
        watch = Verb("pull:watch")


class Project(Verbs, Settings):
    """Settings and verbs of one project. Each verb is a function of `curation.jobs` and returns its typed result.

    Args:
        articles: files, folders or globs with the articles.
        schema: the label schema, a YAML file.
        work: the folder for everything that the jobs write.
        name: name of the project, lower case, digits and hyphens; also the title of its project in Label Studio.
        gold: reviewed annotations, for `evaluate`, `calibrate` and `ensemble`.
        engine: name of the engine that pre-annotates.
        model: its model: a name or a folder.
        options: options of the engine.
        url: address of Label Studio; default: LABEL_STUDIO_URL, else the local one.
        api_key: its API key; default: LABEL_STUDIO_API_KEY.
        release: the keys of `[release]` in curation.toml.
        review: the keys of `[review]` in curation.toml.
        max_characters: longest article that is used, in code points; a longer one is refused, the others go on.
        clean: `html` replaces a text with HTML by the text in it, on reading.

    Relative paths start at the current folder. What is not given here comes from the environment, see
    `curation.settings`; curation.toml is not read (`Project.open` reads it).

    Raises:
        BadInput: a value cannot be used; names the field.
    """

    def __init__(
        self,
        *,
        articles: str | Path | Sequence[str | Path],
        schema: str | Path,
        work: str | Path = "work",
        name: str = "news",
        gold: str | Path | None = None,
        engine: str = "spacy",
        model: str | None = None,
        options: Mapping[str, Any] | None = None,
        url: str | None = None,
        api_key: str | None = None,
        release: Mapping[str, Any] | None = None,
        review: Mapping[str, Any] | None = None,
        max_characters: int = ProjectSection.model_fields["max_characters"].default,
        clean: Literal["html"] | None = None,
    ) -> None:
        sources = [articles] if isinstance(articles, str | Path) else articles
        record = {
            "project": {
                "name": name,
                "articles": tuple(map(str, sources)),
                "schema": str(schema),
                "gold": str(gold) if gold else None,
                "work": str(work),
                "max_characters": max_characters,
                "clean": clean,
            },
            "engine": {"name": engine, "model": model, "options": dict(options or {})},
            "labelstudio": {"url": url},
            "release": dict(release or {}),
            "review": dict(review or {}),
        }
        content = build(File, record)
        fields = dict(resolve(content, Path.cwd()))
        # what is given here replaces environment variables
        fields["schema_path"], fields["engine"] = user_path(schema).resolve(), content.engine
        fields["work"] = user_path(work).resolve()
        if url is not None:
            fields["url"] = url.rstrip("/")
        if api_key is not None:
            keep_secret(api_key)
            fields["api_key"] = SecretStr(api_key)
        super().__init__(**fields)

    @classmethod
    def open(cls, file: str | Path | None = None) -> Self:
        """The project of a curation.toml, or of the folder that holds one. Default: the nearest from here upwards.

        Raises:
            ProjectError: there is none, or it or an environment variable cannot be used; names the file and the field.
        """
        settings = load_settings(Path(file) if file is not None else None)
        project = cls.__new__(cls)
        Settings.__init__(project, **dict(settings))  # as pydantic does it, but not with the arguments of `__init__`
        return project
