"""Settings: the file, then the environment; paths absolute, secrets nowhere to be seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.errors import ProjectError
from curation.project import Project

GOOD = """
[project]
name = "mine"
articles = ["articles"]
schema = "schemas/s.yaml"
"""


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CURATION_PROJECT", "CURATION_WORK", "CURATION_SCHEMA", "CURATION_ENGINE", "CURATION_MODEL",
                 "LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY", "LABEL_STUDIO_CA", "HF_TOKEN"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


def write(folder: Path, text: str) -> Path:
    file = folder / "curation.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_paths_are_absolute_and_found_from_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, GOOD)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "er")
    project = Project.open()
    assert project.articles == (str(tmp_path / "articles"),)
    assert project.work == tmp_path / "work"
    assert project.preannotations == tmp_path / "work" / "preannotations" / "spacy.jsonl"


def test_environment_wins_and_secrets_stay_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path, GOOD + '[labelstudio]\nurl = "http://from.file"\n')
    monkeypatch.setenv("LABEL_STUDIO_URL", "https://from.environment/")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "topsecret-key")
    monkeypatch.setenv("HF_TOKEN", "topsecret-hub")
    monkeypatch.setenv("CURATION_WORK", str(tmp_path / "elsewhere"))
    project = Project.open(file)
    assert project.url == "https://from.environment"
    assert project.work == tmp_path / "elsewhere"
    assert "topsecret" not in repr(project) + str(project.model_dump())
    assert project.api_key is not None
    assert project.api_key.get_secret_value() == "topsecret-key"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD.replace('"mine"', '"My project!"'), "project.name"),
        (GOOD.replace("articles = ", "artikles = "), "project.articles"),
        (GOOD + "colour = 1\n", "project.colour"),
        (GOOD + "articels = 1\n", "did you mean articles?"),
        (GOOD + "[labelstudoi]\n", "did you mean labelstudio?"),
        (GOOD + '[release]\nlicense = "x"\n', "did you mean licence?"),
        (GOOD + "[project.licence]\n", "did you mean licence?"),
        (GOOD + '[labelstudio]\nurl = "localhost:8080"\n', "labelstudio.url"),
        (GOOD + '[labelstudio]\napi_key = "abc"\n', "holds a secret"),
        (GOOD + "[labelstudio]\nbatch_size = 0\n", "labelstudio.batch_size"),
        ("[project\n", "not TOML"),
        (
            GOOD.replace("articles = [", 'articles = ["~nosuchuser/x", '),
            "the path ~nosuchuser/x names a user who does not exist",
        ),
        (GOOD.replace("articles = [", r'articles = ["a\u0000b", '), "has a NUL character"),
    ],
)
def test_mistakes_name_file_and_field(tmp_path: Path, text: str, says: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ProjectError) as caught:
        Project.open(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b'[project]\nname = "caf\xe9"\n', ":2: not UTF-8"),
        (b"x = " + b"[" * 100_000, "not TOML"),
        (b"#" * 2_000_000, "larger"),
    ],
)
def test_a_file_that_is_no_settings_is_one_line(tmp_path: Path, raw: bytes, says: str) -> None:
    file = tmp_path / "curation.toml"
    file.write_bytes(raw)
    with pytest.raises(ProjectError) as caught:
        Project.open(file)
    assert says in str(caught.value)
    assert str(caught.value).count(str(file)) == 1


def test_no_project_there(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="curation init"):
        Project.open(tmp_path / "curation.toml")


@pytest.mark.parametrize("url", ["user:pass-7@host", "ftp://user:pass-7@host", "user:pass-7@host:8080/ls"])
def test_an_address_with_a_password_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    (tmp_path / "curation.toml").write_text('[project]\nname = "made"\narticles = ["*.txt"]\nschema = "s.yaml"\n')
    monkeypatch.setenv("LABEL_STUDIO_URL", url)
    with pytest.raises(ProjectError, match="holds a password") as caught:
        Project.open(tmp_path / "curation.toml")
    assert "pass-7" not in str(caught.value)
