"""`curation pull --watch`, and what `curation push` says and does of what others did on the server."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import annotator_api
import pytest
from front import Front

from curation.labelstudio.client import Client
from curation.labelstudio.local_server import Studio
from curation.project import Project

pytestmark = pytest.mark.live

# Who runs the tests in the background ignores ctrl-C, and that would be handed on. It is the child that takes it back:
# `preexec_fn` hangs now and then where the process that forks has threads.
CURATION = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from curation.__main__ import main
sys.argv[0] = "curation"
main()
"""


class Run:
    """A `curation` command under way, with its lines as they come."""

    def __init__(self, folder: Path, url: str, key: str, *words: str) -> None:
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("LABEL_STUDIO", "CURATION_W"))
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", CURATION, *words],
            cwd=folder,
            env={**clean, "LABEL_STUDIO_URL": url, "LABEL_STUDIO_API_KEY": key},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None and self.process.stderr is not None
        self.out, self.err = self.lines(self.process.stdout), self.lines(self.process.stderr)

    def lines(self, stream: IO[str]) -> queue.Queue[str | None]:
        found: queue.Queue[str | None] = queue.Queue()

        def read() -> None:
            for line in stream:
                found.put(line.rstrip("\n"))
            found.put(None)

        threading.Thread(target=read, daemon=True).start()
        return found

    def end(self) -> tuple[int, str]:
        """Exit code, and what is left on stdout and then on stderr."""
        code = self.process.wait(timeout=120)
        left = [line for stream in (self.out, self.err) for line in iter(lambda: stream.get(timeout=10), None)]  # noqa: B023
        return code, "\n".join(line for line in left if line)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A project with three articles, pre-annotated with nothing."""
    root = Path(__file__).resolve().parents[2]
    schema = root / "schemas" / "conflict-news.yaml"
    (tmp_path / "curation.toml").write_text(
        f'[project]\nname = "watched"\narticles = ["articles"]\nschema = "{schema}"\n'
        f'[labelstudio]\ntitle = "Watched {uuid.uuid4().hex[:8]}"\n'
    )
    (tmp_path / "articles").mkdir()
    for number in range(3):
        (tmp_path / "articles" / f"a{number}.txt").write_text(f"Kelmar fired {number} rockets at Torvan.\n")
    made = tmp_path / "work" / "preannotations" / "spacy.jsonl"
    made.parent.mkdir(parents=True)
    made.write_text("")
    return tmp_path


def ended(folder: Path, studio: Studio, *words: str) -> tuple[int, str]:
    return Run(folder, studio.url, studio.api_key, *words).end()


def test_watch_brings_what_comes_waits_for_the_server_and_ends_at_ctrl_c(
    folder: Path, studio: Studio, client: Client
) -> None:
    assert ended(folder, studio, "push")[0] == 0
    project = Project.open(folder / "curation.toml")
    with Front(studio.url) as front:
        run = Run(folder, front.url, studio.api_key, "pull", "--watch", "--every", "1", "--json")
        first = json.loads(run.out.get(timeout=60) or "")
        assert (first["tasks"], first["untouched"], first["unchanged"]) == (3, 3, False)
        number = first["project_id"]
        one, two, _ = annotator_api.tasks(client, number)
        annotator_api.skip(client, one.id)
        second = json.loads(run.out.get(timeout=60) or "")
        assert (second["skipped"], second["unchanged"]) == (1, False)
        assert second["snapshot"] != first["snapshot"]

        front.down()
        while not (said := run.err.get(timeout=60) or "").startswith("waiting: "):
            pass
        assert f"{front.url} does not answer" in said
        annotator_api.skip(client, two.id)
        with pytest.raises(queue.Empty):
            run.err.get(timeout=7)  # another try or two, and no word of them
        front.up()
        third = json.loads(run.out.get(timeout=60) or "")
        assert (third["skipped"], third["fetched"]) == (2, 1)

        run.process.send_signal(signal.SIGINT)
        code, left = run.end()
    assert code == 130
    assert left.splitlines()[-1] == "interrupted; run the same command again, it goes on from there"
    assert "Traceback" not in left
    assert not list((project.work / "snapshots").glob(".part-*"))


def test_an_article_that_cannot_be_read_does_not_stop_the_others(folder: Path, studio: Studio) -> None:
    (folder / "articles" / "a1.txt").write_bytes("Señor Kelm fired.\n".encode("cp1252"))
    code, said = ended(folder, studio, "push", "--strict")
    assert code == 1
    assert "error: " in said and "a1.txt: not UTF-8" in said
    code, said = ended(folder, studio, "push", "--json")
    assert code == 3
    report = json.loads(next(line for line in said.splitlines() if line.startswith("{")))
    assert (report["articles"], report["sent"]) == (2, 2)
    assert [line.split("/")[-1].split(";")[0] for line in report["unusable"]] == ["a1.txt: not UTF-8 (byte 2)"]
    assert "unusable: 1 articles set aside" in said


def test_watch_does_not_wait_for_a_server_that_was_never_there(folder: Path, studio: Studio) -> None:
    code, said = Run(folder, "http://127.0.0.1:9", studio.api_key, "pull", "--watch").end()
    assert code == 1
    assert said.count("error: ") == 1
    assert "does not answer" in said


def test_what_others_deleted_is_explained_and_sent_again_only_when_asked(
    folder: Path, studio: Studio, client: Client
) -> None:
    code, said = ended(folder, studio, "push")
    assert code == 0
    report, address, warned = said.splitlines()
    assert warned.endswith("spacy.jsonl: holds no pre-annotation of 3 articles as they are now: a0, a1, a2")
    assert report == "3 articles: 3 sent, 0 already there"
    number = int(address.rsplit("/", 1)[1])
    gone = next(iter(annotator_api.tasks(client, number)))
    client.delete(f"/api/tasks/{gone.id}/")
    code, said = ended(folder, studio, "push")
    assert code == 0
    assert said.splitlines() == [
        "3 articles: 0 sent, 2 already there, 1 deleted in Label Studio",
        address,
        f"{gone.article_id}: its task was deleted in Label Studio; --resend-deleted sends it again",
        warned,
    ]
    assert "3 articles: 1 sent, 2 already there" in ended(folder, studio, "push", "--resend-deleted")[1]

    ledger = folder / "work" / "labelstudio" / "ledger.sqlite"
    assert "3 articles: 0 sent, 3 already there" in ended(folder, studio, "push", "--rebuild-ledger")[1]
    ledger.write_bytes(b"not a database at all")
    code, said = ended(folder, studio, "push")
    assert (code, said.count("\n")) == (1, 0)
    assert "move it away and run again, it is rebuilt from Label Studio" in said
    for file in ledger.parent.glob("ledger.sqlite*"):
        file.unlink()
    assert "3 articles: 0 sent, 3 already there" in ended(folder, studio, "push")[1]
    assert len(list(annotator_api.tasks(client, number))) == 3

    client.delete(f"/api/projects/{number}/")
    for words in (["push"], ["pull"]):
        code, said = ended(folder, studio, *words)
        assert (code, said.count("\n")) == (1, 0)
        assert f"project {number} (" in said
        assert "push with --new-project to begin again" in said
    assert "3 articles: 3 sent" in ended(folder, studio, "push", "--new-project")[1]
