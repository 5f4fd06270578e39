"""A double of the Hugging Face Hub on loopback: it stands in for the real one, which cannot be had offline.

It keeps dataset repositories in memory and answers what huggingface_hub 2.4 asks when one commits, tags, lists and
downloads. It proves that our requests make sense to this reading of the protocol, nothing about the real Hub.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

WRITER, READER = "token-that-may-write", "token-that-may-read"


@dataclass
class Commit:
    """One commit: its files whole, so that any revision can be read back."""

    oid: str
    title: str
    parent: str | None
    files: dict[str, bytes]


@dataclass
class Repository:
    """Commits, newest last, and the names that point at them."""

    commits: list[Commit] = field(default_factory=list)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def commit(self, title: str, files: dict[str, bytes]) -> Commit:
        """Put `files` on top of main."""
        parent = self.branches.get("main")
        held = dict(self.at(parent).files) if parent else {}
        held |= files
        oid = hashlib.sha1(f"{parent} {title} {len(self.commits)}".encode()).hexdigest()
        made = Commit(oid, title, parent, held)
        self.commits.append(made)
        self.branches["main"] = oid
        return made

    def at(self, revision: str | None) -> Commit:
        """The commit a revision names; a branch goes before a tag of that name. Raises KeyError."""
        oid = self.branches.get(revision or "main") or self.tags.get(revision or "main") or revision
        return next(one for one in self.commits if one.oid == oid)


class Hub:
    """The double. `once(pattern, action)` makes the next matching request go wrong in the way of the test's choice."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.faults: list[tuple[str, int | Callable[[], int | None]]] = []
        self.url = ""

    def once(self, pattern: str, action: int | Callable[[], int | None]) -> None:
        """At the next request whose "METHOD /path" matches: answer that status, or call and answer what it says.

        A callable that returns None lets the request through; -1 carries it out and then drops the connection.
        """
        self.faults.append((pattern, action))

    def fault(self, request: str) -> int | None:
        """What to do wrong about this request, if anything."""
        for number, (pattern, action) in enumerate(self.faults):
            if re.search(pattern, request):
                del self.faults[number]
                return action() if callable(action) else action
        return None


@contextmanager
def hub() -> Iterator[Hub]:
    """A running double on a free port of the loopback address."""
    state = Hub()

    class Handler(_Handler):
        double = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Refused(Exception):
    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        self.status, self.code, self.message = status, code, message


class _Handler(BaseHTTPRequestHandler):
    double: Hub
    protocol_version = "HTTP/1.1"
    lock = threading.Lock()

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        request = f"{self.command} {path}"
        with self.lock:
            self.double.requests.append(request)
            wrong = self.double.fault(request)
            try:
                if wrong is not None and wrong > 0:
                    raise _Refused(wrong)
                status, headers, content = self._route(self.command, path, body)
            except _Refused as refused:
                status, content = refused.status, json.dumps({"error": refused.message or "no"}).encode()
                headers = {"X-Error-Code": refused.code, "X-Error-Message": refused.message or "no"}
        if wrong == -1:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _route(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":
            return self._validate(json.loads(body)["content"])
        if path.startswith("/lfs/") and method == "PUT":
            self.double.objects[path.removeprefix("/lfs/")] = body
            return _json({})
        if match := re.fullmatch(r"/datasets/([^/]+/[^/]+)\.git/info/lfs/objects/batch", path):
            self._write()
            return self._batch(json.loads(body))
        if match := re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self._resolve(self._repository(match[1]), match[2], match[3])
        if match := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)(?:/([a-z]+)(?:/(.+))?)?", path):
            repository = self._repository(match[1])
            return self._api(method, match[1], repository, match[2] or "revision", match[3], body)
        raise _Refused(404, message=f"the double knows no {method} {path}")

    def _api(
        self, method: str, name: str, repository: Repository, what: str, rest: str | None, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        if what == "revision":
            commit = self._at(repository, rest)
            return _json({"id": name, "sha": commit.oid, "siblings": [{"rfilename": one} for one in commit.files]})
        if what == "refs":
            refs = {
                kind: [
                    {"name": one, "ref": f"refs/{kind[:-1]}s/{one}", "targetCommit": oid} for one, oid in held.items()
                ]
                for kind, held in (("branches", repository.branches), ("tags", repository.tags))
            }
            return _json(refs | {"converts": []})
        if what == "commits":
            day = "2031-03-05T12:00:00.000Z"
            return _json(
                [
                    {"id": one.oid, "title": one.title, "message": "", "date": day, "authors": [{"user": "someone"}]}
                    for one in reversed(repository.commits)
                ]
            )
        if what == "tree":
            return _json([_entry(one, held) for one, held in self._at(repository, rest).files.items()])
        self._write()
        if what == "preupload":
            head = self._at(repository, rest).files
            return _json({"files": [_mode(one, head.get(one["path"])) for one in json.loads(body)["files"]]})
        if what == "commit":
            return self._commit(name, repository, [json.loads(line) for line in body.splitlines()])
        if what == "tag" and method == "POST":
            tag = json.loads(body)["tag"]
            if tag in repository.tags:
                raise _Refused(409, message="Tag exists")
            repository.tags[tag] = self._at(repository, rest).oid
            return _json({})
        raise _Refused(404, message=f"the double knows no {method} {what}")

    def _commit(
        self, name: str, repository: Repository, lines: list[dict[str, Any]]
    ) -> tuple[int, dict[str, str], bytes]:
        header = lines[0]["value"]
        if header.get("parentCommit") not in (None, repository.branches.get("main")):
            raise _Refused(412, message="A commit has happened since. Please refresh and try again.")
        files = {}
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.double.objects[value["oid"]]
            else:
                raise _Refused(400, message=f"the double does not do {line['key']}")
        made = repository.commit(header["summary"], files)
        return _json({"commitUrl": f"{self.double.url}/datasets/{name}/commit/{made.oid}", "commitOid": made.oid})

    def _create(self, asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        self._write()
        name = f"{asked['organization']}/{asked['name']}"
        if name in self.double.repositories:
            raise _Refused(409, message="You already created this dataset repo")
        repository = self.double.repositories[name] = Repository()
        repository.commit("initial commit", {".gitattributes": b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"})
        return _json({"url": f"{self.double.url}/datasets/{name}"})

    def _validate(self, content: str) -> tuple[int, dict[str, str], bytes]:
        try:
            front = yaml.safe_load(content.split("---\n")[1])
            errors = [] if isinstance(front.get("configs"), list) else [{"message": "configs is no list"}]
        except (yaml.YAMLError, IndexError, AttributeError) as error:
            errors = [{"message": str(error)}]
        return (400 if errors else 200), {}, json.dumps({"errors": errors, "warnings": []}).encode()

    def _batch(self, asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        objects = []
        for one in asked["objects"]:
            upload = {"actions": {"upload": {"href": f"{self.double.url}/lfs/{one['oid']}"}}}
            objects.append(one | ({} if one["oid"] in self.double.objects else upload))
        return _json({"transfer": "basic", "objects": objects})

    def _resolve(self, repository: Repository, revision: str, path: str) -> tuple[int, dict[str, str], bytes]:
        commit = self._at(repository, revision)
        if path not in commit.files:
            raise _Refused(404, "EntryNotFound", "Entry not found")
        content = commit.files[path]
        headers = {"X-Repo-Commit": commit.oid, "ETag": f'"{_entry(path, content)["oid"]}"'}
        return 200, headers | {"Content-Length": str(len(content))}, content

    def _repository(self, name: str) -> Repository:
        if name not in self.double.repositories:
            raise _Refused(404, "RepoNotFound", "Repository not found")
        return self.double.repositories[name]

    def _at(self, repository: Repository, revision: str | None) -> Commit:
        try:
            return repository.at(revision)
        except StopIteration:
            raise _Refused(404, "RevisionNotFound", "Invalid rev id") from None

    def _write(self) -> None:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token == READER:
            raise _Refused(403, message="You don't have the rights")
        if token != WRITER:
            raise _Refused(401, message="Invalid credentials in Authorization header")


def _mode(asked: dict[str, Any], held: bytes | None) -> dict[str, Any]:
    path = asked["path"]
    mode = "lfs" if path.endswith(".parquet") else "regular"
    oid = None if held is None else _entry(path, held)["oid"] if mode == "regular" else hashlib.sha256(held).hexdigest()
    return {"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid}


def _entry(path: str, content: bytes) -> dict[str, Any]:
    oid = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": oid}
    if path.endswith(".parquet"):
        entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
    return entry


def _json(value: object) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()
