"""A hostile or broken server: push, pull and the watch end in one line or carry on, never in "a bug of ours".

The server below is healthy until a mode spoils its answers. It is a double: no real Label Studio can be made to lie.
"""

from __future__ import annotations

import copy
import gzip
import json
import re
import shutil
import socketserver
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import random_work as made

from curation.errors import CurationError, LabelStudioError, NotLabelStudio, Unreachable
from curation.labelstudio import Client, TaskSpec, answers, pull, push, task_status
from curation.labelstudio.constants import BATCH, PREDICTION
from curation.schema import LabelSchema

KEY = "0123456789abcdef0123456789abcdef01234567"
STAMP = "2031-03-01T00:00:00.500000Z"

Answer = tuple[int, bytes]
Send = Callable[[Callable[[bytes], object], bytes], None]


class Healthy:
    """As much of Label Studio as two articles need."""

    def __init__(self) -> None:
        self.projects: dict[int, dict[str, Any]] = {}
        self.tasks: dict[int, dict[str, Any]] = {}

    def answer(self, method: str, target: str, body: Any) -> tuple[int, Any]:
        url = urlsplit(target)
        asked = {name: values[-1] for name, values in parse_qs(url.query).items()}
        path = url.path.rstrip("/")
        if path == "/api/version":
            return 200, {"release": "1.23.2"}
        if path == "/api/current-user/whoami":
            return 200, {"id": 7}
        if path == "/api/projects":
            if method == "POST":
                number = len(self.projects) + 1
                self.projects[number] = {"id": number, "created_at": STAMP, **body}
                return 201, self.projects[number]
            return 200, {"count": len(self.projects), "next": None, "results": list(self.projects.values())}
        if path == "/api/tasks":
            query = json.loads(asked["query"])
            items = query.get("filters", {}).get("items", [])
            found = [task for task in self.tasks.values() if all(_meets(task, item) for item in items)]
            shown = found[:: -1 if query["ordering"][0].startswith("-") else 1][: int(asked["page_size"])]
            return 200, {"total": len(found), "tasks": shown}
        if path.endswith("/import"):
            ids = []
            for task in body:
                ids.append(len(self.tasks) + 1)
                predictions = [{"id": 100 + ids[-1], **one} for one in task["predictions"]]
                self.tasks[ids[-1]] = {
                    "id": ids[-1],
                    "data": task["data"],
                    "predictions": predictions,
                    "total_predictions": len(predictions),
                    "annotations": [],
                    "drafts": [],
                    "updated_at": STAMP,
                    "draft_exists": False,
                    **dict.fromkeys(("total_annotations", "cancelled_annotations", "comment_count"), 0),
                }
            return 201, {"task_ids": ids, "prediction_count": sum(len(task["predictions"]) for task in body)}
        if path.endswith("/export"):
            wanted = [int(one) for one in parse_qs(url.query)["ids[]"]]
            tasks = [copy.deepcopy(self.tasks[one]) for one in wanted if one in self.tasks]
            for task in tasks:
                task["predictions"] = [one["id"] for one in task["predictions"]]
            return 200, tasks
        if path.startswith("/api/projects/") and (found := self.projects.get(int(path.rpartition("/")[2]))):
            found.update(body or {})
            return 200, found
        return (200, {}) if method != "GET" else (404, {"detail": "Not found."})


def _meets(task: dict[str, Any], item: dict[str, Any]) -> bool:
    column, value = item["filter"].removeprefix("filter:tasks:"), item["value"]
    if column == "annotations_ids":
        return not task["annotations"]
    there = task["data"].get(column[5:]) if column.startswith("data.") else task.get(column)
    match item["operator"]:
        case "greater":
            return bool(there > value)
        case "greater_or_equal":
            return bool(there >= value)
        case "in":
            return bool(value["min"] <= there <= value["max"])
        case "in_list":
            return there in value
    return bool(there == value)


# Modes that spoil the JSON of a good answer.


def _every(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Apply `change` to every value, the innermost first."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            value = {name: walk(one) for name, one in value.items()}
        elif isinstance(value, list):
            value = [walk(one) for one in value]
        return change(value)

    return walk


def _of(kind: type, other: Any) -> Callable[[Any], Any]:
    return _every(lambda value: other if type(value) is kind else value)


def _field(name: str, other: Any) -> Callable[[Any], Any]:
    return _every(lambda value: {**value, name: other} if isinstance(value, dict) and name in value else value)


def _without(name: str) -> Callable[[Any], Any]:
    return _every(
        lambda value: {key: one for key, one in value.items() if key != name} if isinstance(value, dict) else value
    )


VALUES: dict[str, Callable[[Any], Any]] = {
    "null": lambda good: None,
    "a number": lambda good: 7,
    "a word": lambda good: "ok",
    "an empty list": lambda good: [],
    "an empty object": lambda good: {},
    "an error with status 200": lambda good: {"detail": "Authentication credentials were not provided."},
    "a list of lists": lambda good: [[good], [[]]],
    "wrapped once more": lambda good: {"data": good},
    "the answer twice": lambda good: good * 2 if isinstance(good, list) else good,
    "lists the other way round": _every(lambda value: value[::-1] if isinstance(value, list) else value),
    "lists doubled": _every(lambda value: value * 2 if isinstance(value, list) else value),
    "lists emptied": _of(list, []),
    "objects for lists": _every(lambda value: {"0": value} if isinstance(value, list) else value),
    "lists for objects": _every(lambda value: list(value.values()) if isinstance(value, dict) else value),
    "nulls for strings": _of(str, None),
    "numbers for strings": _of(str, 5),
    "lists for strings": _of(str, ["a"]),
    "half a surrogate pair for strings": _of(str, "\ud800"),
    "NUL for strings": _of(str, "a\0b"),
    "terminal controls for strings": _of(str, "\x1b[31m\x9b\u202e[/b]\r\n"),
    "very long strings": _of(str, "a-" * 50_000),
    "words for numbers": _of(int, "12"),
    "true for numbers": _of(int, True),
    "floats for numbers": _of(int, 1.5),
    "not a number": _of(int, float("nan")),
    "infinity": _of(int, float("inf")),
    "negative numbers": _of(int, -1),
    "zeros": _of(int, 0),
    "ids above 64 bits": _field("id", 2**64),
    "numbers of 400 digits": _of(int, 10**400),
    "all ids alike": _field("id", 1),
    "ids of other things": _field("id", 777),
    "no id": _without("id"),
    "no data": _without("data"),
    "data of another kind": _field("data", "text"),
    "no predictions": _without("predictions"),
    "predictions of nulls": _field("predictions", [None]),
    "predictions without a result": _field(
        "predictions", [{"id": 5, "model_version": PREDICTION, "result": [{"meta": {"annotation": [], "engine": {}}}]}]
    ),
    "annotations of nulls": _field("annotations", [None]),
    "annotations of another kind": _field("annotations", {"id": 5}),
    "annotations without fields": _field("annotations", [{}]),
    "regions of another kind": _field(
        "annotations", [{"id": 3, "completed_by": 1, "was_cancelled": False, "result": 5}]
    ),
    "no total": _without("total"),
    "an endless list of tasks": _field("total", 2**62),
    "a negative total": _field("total", -5),
    "an endless list of projects": _field("next", "http://127.0.0.1/more"),
    "no creation time": _without("created_at"),
    "another creation time": _field("created_at", "1999"),
    "a config that is none": _field("label_config", "<View><"),
    "a config of entities": _field("label_config", "<!DOCTYPE v [<!ENTITY a 'aa'>]><View>&a;</View>"),
    "another mark": _field("description", "[curation:conflict-news@99999999999999999999.0.0]"),
    "a mark of bad times": _field("description", "[curation:conflict-news@0.0.1; 0.0.1 until 99-99]"),
    "no batch": _field(BATCH, {"a": 1}),
    "stamps of another kind": _field("updated_at", "9999-99-99"),
    "fewer ids than tasks": _field("task_ids", [1]),
    "the same id twice": _field("task_ids", [1, 1]),
    "ids that are words": _field("task_ids", ["1", "2"]),
}

# Modes that spoil the HTTP.


def _reply(body: bytes, status: str = "200 OK", *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def _slowly(data: bytes, times: int = 200) -> Send:
    def send(write: Callable[[bytes], object], good: bytes) -> None:
        write(data)
        for _ in range(times):
            write(b"a")
            time.sleep(0.02)

    return send


def _endless(begin: bytes, more: bytes) -> Send:
    def send(write: Callable[[bytes], object], good: bytes) -> None:
        write(begin)
        for _ in range(5000):
            write(more)

    return send


def _always(data: bytes) -> Send:
    return lambda write, good: write(data) and None


def _made(change: Callable[[bytes], bytes]) -> Send:
    return lambda write, good: write(change(good)) and None


GZIP, HTML = "Content-Encoding: gzip", b"<!DOCTYPE html><html><form action=/user/login/>Log in</form></html>"
BOMB = gzip.compress(b"[" + b" " * 20_000_000 + b"]")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

SENDS: dict[str, Send] = {
    "hangs up": _always(b""),
    "is no HTTP": _always(b"SSH-2.0-OpenSSH_9.7\r\n" * 20),
    "half a status line": _always(b"HTTP/1.1 2"),
    "a status of two digits": _always(_reply(b"{}", "99 Odd")),
    "status 099": _always(_reply(b"{}", "099 Odd")),
    "status 999": _always(_reply(b"{}", "999 Odd")),
    "status 204 without a body": _always(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "status 304": _always(b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    "status 300": _always(_reply(b"[]", "300 Multiple Choices")),
    "status 401": _always(_reply(b'{"detail": "' + b"no " * 100_000 + b'"}', "401 Unauthorized")),
    "status 403 in HTML": _always(_reply(HTML, "403 Forbidden")),
    "status 404 in HTML": _always(_reply(HTML, "404 Not Found")),
    "status 400 nested deeply": _always(_reply(b"[" * 100_000, "400 Bad Request")),
    "status 500": _always(_reply(b"\xff\xfe", "500 Internal Server Error")),
    "status 503": _always(_reply(HTML, "503 Busy")),
    "redirects elsewhere": _always(_reply(b"", "302 Found", "Location: http://192.0.2.1/api")),
    "redirects to nowhere": _always(_reply(b"", "301 Moved", "Location: http://[::bad")),
    "redirects to itself": _always(_reply(b"", "307 Temporary", "Location: ")),
    "redirects without a place": _always(_reply(b"", "302 Found")),
    "redirects with controls": _always(_reply(b"", "302 Found", "Location: http://a/\x1b[31m\xe9")),
    "a login page": _always(_reply(HTML, "200 OK", "Content-Type: text/html")),
    "no body": _always(_reply(b"")),
    "a truncated body": _made(lambda good: _reply(good[: len(good) // 2], length=len(good))),
    "truncated JSON": _made(lambda good: _reply(good[:-1])),
    "two answers in one": _made(lambda good: _reply(good + good)),
    "a negative length": _made(lambda good: _reply(good, length=-1)),
    "two lengths": _made(lambda good: _reply(good, "200 OK", "Content-Length: 1")),
    "a length of 300 digits": _made(lambda good: _reply(good, length=10**300)),
    "a bad chunk": _always(CHUNKED + b"zz\r\nab\r\n"),
    "a truncated chunk": _always(CHUNKED + b"ff\r\nab"),
    "bad gzip": _always(_reply(b"this is no gzip", "200 OK", GZIP)),
    "truncated gzip": _made(lambda good: _reply(gzip.compress(good)[:-9], "200 OK", GZIP)),
    "a gzip bomb": _always(_reply(BOMB, "200 OK", GZIP)),
    "a bomb in a bomb": _always(_reply(gzip.compress(BOMB), "200 OK", "Content-Encoding: gzip, gzip")),
    "bad deflate": _always(_reply(b"\x00\xff", "200 OK", "Content-Encoding: deflate")),
    "an encoding not asked for": _made(lambda good: _reply(zlib.compress(good), "200 OK", "Content-Encoding: br")),
    "deep lists": _always(_reply(b"[" * 500_000 + b"]" * 500_000)),
    "deep lists that Python reads": _always(_reply(b"[" * 900 + b"]" * 900)),
    "deep objects": _always(_reply(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)),
    "a number of 5,000 digits": _always(_reply(b'{"id": ' + b"9" * 5000 + b"}")),
    "NaN alone": _always(_reply(b"NaN")),
    "keys twice": _made(lambda good: _reply(good.replace(b'"id":', b'"id": null, "id":'))),
    "keys twice with another id": _made(lambda good: _reply(re.sub(rb'"id": (\d+)', rb'"id": \1, "id": 99', good))),
    "UTF-16": _made(lambda good: _reply(good.decode().encode("utf-16"))),
    "Latin-1": _always(_reply(b'{"release": "\xe9"}')),
    "a byte order mark": _made(lambda good: _reply(b"\xef\xbb\xbf" + good)),
    "a huge header": _always(_reply(b"{}", "200 OK", "X-Long: " + "a" * 2_000_000)),
    "many headers": _always(_reply(b"{}", "200 OK", *(f"X-{n}: a" for n in range(100_000)))),
    "odd headers": _made(
        lambda good: _reply(good, "200 OK", "Set-Cookie: a=\xff;;Max-Age=x", "Content-Type: \xff;charset=x")
    ),
    "bad headers": _made(lambda good: _reply(good, "200 OK", "no colon here")),
    "a header with NUL": _made(lambda good: _reply(good, "200 OK", "X-A: a\0b")),
    "endless interim answers": _endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "endless headers": _endless(b"HTTP/1.1 200 OK\r\n", b"X-A: a\r\n" * 100),
    "an endless body": _endless(CHUNKED, b"400\r\n" + b" " * 1024 + b"\r\n"),
    "endless empty gzip": _endless(
        CHUNKED[:-2] + GZIP.encode() + b"\r\n\r\na\r\n" + gzip.compress(b"")[:10] + b"\r\n",
        b"3e8\r\n" + b"\0\0\0\xff\xff" * 200 + b"\r\n",
    ),
    "a byte now and then": _slowly(_reply(b"", length=1_000_000)),
    "a header's byte now and then": _slowly(b"HTTP/1.1 200 OK\r\nX-A: "),
    "nothing": lambda write, good: time.sleep(0.4),
}


class Hostile(socketserver.ThreadingTCPServer):
    """`Healthy`, but that the answers to requests whose target contains `where` are spoilt by `spoil`."""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self) -> None:
        self.state, self.where = Healthy(), ""
        self.spoil: Send | Callable[[Any], Any] | None = None
        self.of_values = False
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client hung up, as it should."""


class _Handler(socketserver.StreamRequestHandler):
    server: Hostile

    def handle(self) -> None:
        while line := self.rfile.readline():
            method, target, _ = line.decode().split(" ", 2)
            length = 0
            while header := self.rfile.readline().strip().lower():
                if header.startswith(b"content-length:"):
                    length = int(header[15:])
            raw = self.rfile.read(length)
            with self.server.lock:
                status, good = self.server.state.answer(method, target, json.loads(raw) if raw else None)
                spoil = self.server.spoil if self.server.where in f"{method} {target}" else None
                if spoil and self.server.of_values:
                    good, spoil = spoil(copy.deepcopy(good)), None  # type: ignore[call-arg, arg-type]
                body = json.dumps(good).encode()
            if spoil:
                with suppress(OSError):
                    spoil(self.wfile.write, body)  # type: ignore[call-arg]
                return
            self.wfile.write(_reply(body, f"{status} Fine"))


@pytest.fixture(scope="module")
def hostile() -> Iterator[Hostile]:
    with Hostile() as server:
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def specs(schema: LabelSchema) -> list[TaskSpec]:
    articles = [made.article(seed) for seed in (1, 2)]
    return [TaskSpec(one, made.annotation(one, schema, 1), people=2) for one in articles]


@pytest.fixture(scope="module")
def prepared(
    hostile: Hostile, schema: LabelSchema, specs: list[TaskSpec], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Healthy]:
    """A work folder and a server after a push and a pull."""
    work = tmp_path_factory.mktemp("prepared")
    hostile.spoil, hostile.state = None, Healthy()
    with Client(hostile.url, KEY, pause=0) as client:
        assert push(client, schema, specs, work=work, title="News", patience=0).sent == 2
        assert pull(client, schema, work=work).tasks == 2
    return work, hostile.state


@pytest.fixture(autouse=True)
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MAX_ANSWER", 2_000_000)
    monkeypatch.setattr(answers, "STALL_WINDOW", 0.1)
    monkeypatch.setattr("curation.labelstudio.client.TRIES", 2)
    monkeypatch.setattr("curation.labelstudio.project.MAX_PAGES", 5)


def run(hostile: Hostile, prepared: tuple[Path, Healthy], folder: Path, calls: list[Any]) -> None:
    """Each call on a copy of the prepared state: it succeeds, or fails in one line."""
    for name, call in calls:
        work = folder / name
        shutil.copytree(prepared[0], work) if name != "first" else work.mkdir()
        hostile.state = copy.deepcopy(prepared[1]) if name != "first" else Healthy()
        try:
            with Client(hostile.url, KEY, pause=0, timeout=0.3) as client:
                call(client, work)
        except CurationError as error:
            message = str(error)
            assert isinstance(error, LabelStudioError), message
            assert "\n" not in message and "\x1b" not in message and len(message) < 900, message
        task_status(work)
        shutil.rmtree(work)


@pytest.fixture
def calls(schema: LabelSchema, specs: list[TaskSpec]) -> list[Any]:
    newer = [TaskSpec(one.article, made.annotation(one.article, schema, 2), people=2) for one in specs]

    def send(tasks: list[TaskSpec]) -> Callable[[Client, Path], object]:
        return lambda client, work: push(client, schema, tasks, work=work, title="News", patience=0)

    return [
        ("first", send(specs)),
        ("again", send(newer)),
        ("pull", lambda client, work: pull(client, schema, work=work)),
        ("full", lambda client, work: pull(client, schema, work=work, full=True)),
    ]


ENDPOINTS = {
    "whoami": ("first",),
    "GET /api/projects": ("first", "again", "pull"),
    "POST /api/projects": ("first",),
    "PATCH": ("again",),
    "/api/tasks": ("again", "pull"),
    "/export": ("again", "full"),
    "/import": ("first",),
}
"""Part of a request's line → the calls that make such a request."""


@pytest.mark.parametrize("mode", VALUES)
def test_answers_of_another_form(hostile: Hostile, prepared: Any, calls: list[Any], tmp_path: Path, mode: str) -> None:
    hostile.spoil, hostile.of_values = VALUES[mode], True
    for where, names in ENDPOINTS.items():
        hostile.where = where
        run(hostile, prepared, tmp_path, [call for call in calls if call[0] in names])


@pytest.mark.parametrize("mode", SENDS)
def test_broken_http(hostile: Hostile, prepared: Any, calls: list[Any], tmp_path: Path, mode: str) -> None:
    hostile.spoil, hostile.of_values = SENDS[mode], False
    for where, name in (("/api/version", "first"), ("/import", "first"), ("/export", "full")):
        hostile.where = where
        run(hostile, prepared, tmp_path, [call for call in calls if call[0] == name])


@pytest.mark.parametrize("mode", ["a gzip bomb", "an endless body", "endless interim answers", "endless empty gzip"])
def test_what_has_no_end_takes_no_memory(hostile: Hostile, mode: str) -> None:
    hostile.spoil, hostile.of_values, hostile.where = SENDS[mode], False, ""
    tracemalloc.start()
    try:
        with Client(hostile.url, KEY, pause=0) as client, pytest.raises(NotLabelStudio):
            client.user()
        assert tracemalloc.get_traced_memory()[1] < 64_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("mode", ["a byte now and then", "a header's byte now and then"])
def test_an_answer_that_trickles_is_given_up(hostile: Hostile, mode: str) -> None:
    hostile.spoil, hostile.of_values, hostile.where = SENDS[mode], False, ""
    begun = time.monotonic()
    with Client(hostile.url, KEY, pause=0) as client, pytest.raises(Unreachable, match="bytes a second"):
        client.user()
    assert time.monotonic() - begun < 2
