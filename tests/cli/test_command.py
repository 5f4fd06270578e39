"""Commands are built from the signatures of jobs: options, old names, results on stdout, remarks on stderr."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import pytest
import typer
from typer.testing import CliRunner

from curation.cli import command as commands
from curation.cli.app import GROUPS, STUDIO, app
from curation.cli.command import Command
from curation.errors import WrongUsage, keep_secret
from curation.jobs.options import Argument, Counts, OnProgress, Option, named_values, silent
from curation.jobs.studio import StudioResult
from curation.result import Block, Line, Result, Styled, Table

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "[/b] [link=file:///x]\x1b[31m\u009b0m \u202eevil \x07"


class Made(Result):
    """A result with all kinds of blocks."""

    given: dict[str, Any]
    set_aside: int = 0

    @property
    def exit_code(self) -> int:
        return 3 if self.set_aside else 0

    def show(self, *, everything: Annotated[bool, Option("All of it.", "--all")] = False) -> Iterator[Block]:
        yield f"line {HOSTILE}"
        yield Line(("styled ", Styled(HOSTILE, "bold")))
        yield Table((HOSTILE, "count"), [(HOSTILE, 3)], title=HOSTILE)
        if everything:
            yield "all of it"

    def messages(self) -> Iterator[str]:
        yield f"remark {HOSTILE}"


def job(
    *places: Annotated[Path, Argument("Places.")],
    split: Annotated[Literal["hash", "time"] | None, Option("The split.")] = None,
    kinds: Annotated[Sequence[str], Option("Kinds.", "--kind")] = (),
    output: Annotated[Path | None, Option("The file.", "--out", old=("--output",))] = None,
    options: Annotated[Mapping[str, Any] | None, Option("Options.", "--option", parse=named_values)] = None,
    checks: Annotated[bool, Option("Check.")] = True,
    limit: Annotated[int, Option("Most.", min=1)] = 5,
    set_aside: Annotated[int, Option("Set aside.")] = 0,
    not_for_the_terminal: int = 7,
    on_progress: Annotated[OnProgress, Counts("things")] = silent,
) -> Made:
    """A job with every kind of parameter."""
    on_progress(1)
    if limit == 4:
        raise WrongUsage("not 4")
    given = {name: value for name, value in locals().items() if name != "on_progress"}
    return Made(given=json.loads(json.dumps(given, default=str)), set_aside=set_aside)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(commands, "import_module", lambda name: SimpleNamespace(job=job))
    terminal = typer.Typer()
    built = commands.build(Command("made", "made:job", "Makes."))

    def invoke(*words: str) -> Any:
        monkeypatch.setattr("typer.testing._get_command", lambda _: built)
        return CliRunner().invoke(terminal, list(words))

    return invoke


def test_every_kind_of_option(run: Any) -> None:
    words = "a b --split time --kind x --kind y --out o --option n=0.5 --option m=text --no-checks --limit 9 --json"
    shown = run(*words.split())
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.stdout)["given"] == {
        "places": ["a", "b"],
        "split": "time",
        "kinds": ["x", "y"],
        "output": "o",
        "options": {"n": 0.5, "m": "text"},
        "checks": False,
        "limit": 9,
        "set_aside": 0,
        "not_for_the_terminal": 7,
    }
    defaults = json.loads(run("--json").stdout)["given"]
    assert defaults["places"] == []
    assert defaults["kinds"] == []
    assert (defaults["split"], defaults["output"], defaults["options"], defaults["checks"]) == (None, None, None, True)


def test_an_old_name_is_read_and_not_shown(run: Any) -> None:
    assert json.loads(run("--output", "there", "--json").stdout)["given"]["output"] == "there"
    shown = run("--help").stdout
    assert "--out " in shown
    assert "--output" not in shown
    assert "not-for-the-terminal" not in shown


@pytest.mark.parametrize("words", ["--split other", "--limit 0", "--limit 4", "--option x", "--nonsense"])
def test_wrong_usage_is_2(run: Any, words: str) -> None:
    assert run(*words.split()).exit_code == 2


def test_results_go_to_stdout_and_remarks_to_stderr(run: Any) -> None:
    shown = run("--all")
    assert "line " in shown.stdout
    assert "all of it" in shown.stdout
    assert shown.stderr.startswith("remark ")
    assert "all of it" not in run().stdout
    both = run("--json")
    assert json.loads(both.stdout)["set_aside"] == 0
    assert "line " in both.stderr
    assert run("--set-aside", "2").exit_code == 3


def test_text_from_outside_is_not_obeyed(run: Any) -> None:
    shown = run("--all")
    for text in (shown.stdout, shown.stderr):
        assert "[/b] [link=file:///x]" in text  # no markup
        assert not set("\x1b\x07\x9b\u202e") & set(text)
    page = Made(given={})._repr_html_()
    assert not set("\x1b\x07\x9b\u202e") & set(page)
    assert "<b>" in page


def test_secrets_are_struck_out(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "topsecret-key/1")
    for words in (["--option", "k=topsecret-key/1"], ["--option", "k=a%20topsecret-key%2F1"]):
        assert "topsecret" not in run(*words, "--json").stdout
    assert "topsecret" not in str(WrongUsage("the server said topsecret-key/1"))
    keep_secret("key-of-the-studio")
    assert str(WrongUsage("sent key-of-the-studio")) == "sent ***"


def test_the_password_of_the_studio_is_printed_on_a_terminal_only() -> None:
    login = {"username": "admin", "password": "pass-7", "api_key": "key-8", "login_file": "work/studio/login.json"}
    found = StudioResult(url="http://127.0.0.1:8080", port=8080, version="1.0", **login)
    assert list(found.show())[1] == "log in as admin; the password is in work/studio/login.json"
    assert list(found.show(secrets=True))[1] == "log in as admin with the password pass-7"


def test_colours_only_on_a_terminal(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from curation.cli.console import _console

    assert "\x1b" not in run().stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert _console(stderr=False).color_system is not None
    monkeypatch.setenv("NO_COLOR", "1")
    assert _console(stderr=False).no_color


def test_every_command_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for name in [one.name for group in GROUPS.values() for one in group if one.where] + [
        f"studio {one.name}" for one in STUDIO
    ]:
        shown = CliRunner().invoke(app, [*name.split(), "--help"])
        assert shown.exit_code == 0, shown.output
        assert "--json" in shown.stdout


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("sta", "status"), ("studio sto", "stop"), ("evaluate --eng", "--engine"), ("evaluate --engine sp", "spacy")],
)
def test_shells_complete(typed: str, offered: str) -> None:
    env = {
        "_CURATION_COMPLETE": "complete_bash",
        "COMP_WORDS": f"curation {typed}",
        "COMP_CWORD": str(len(typed.split())),
    }
    shown = CliRunner().invoke(app, [], prog_name="curation", env=env)
    assert offered in shown.stdout.split()


def test_only_the_console_prints() -> None:
    """Text is escaped and secrets are struck out where it is printed: nothing else may print."""
    allowed = {"cli/console.py", "__main__.py", "labelstudio/server_entry.py"}
    found = []
    for path in sorted((ROOT / "curation").rglob("*.py")):
        name = str(path.relative_to(ROOT / "curation"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="print")):
                    found.append(name)
                case ast.Attribute(value=ast.Name(id="sys"), attr="stdout" | "stderr"):
                    found.append(name)
                case ast.Attribute(value=ast.Name(id="typer"), attr="echo" | "secho"):
                    found.append(name)
                case ast.ImportFrom(module=str(module)) if module.partition(".")[0] == "rich" and name != "result.py":
                    found.append(name)
                case _:
                    pass
    assert set(found) <= allowed, found
