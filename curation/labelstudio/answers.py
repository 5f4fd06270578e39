"""Label Studio's answers: bounded in size and speed, read as JSON, and validated as the types that we use.

A server can be broken, hostile, or something else behind a wrong address. Every answer passes through this module.
What has another form is `NotLabelStudio`, in one line. Fields that we do not use are ignored, or kept as they are
in tasks, which snapshots store whole.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterable
from typing import Annotated, Any, NotRequired

import httpcore
import httpx
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, with_config
from pydantic_core import from_json
from typing_extensions import TypedDict

from curation.errors import NotLabelStudio, one_line

MAX_ANSWER = 256 * 1024 * 1024
"""Bytes of an answer, decompressed: 1.3 MB for each of the 200 tasks of an export, which are some kilobytes."""
MAX_HEAD = 256 * 1024
"""Bytes of an answer's status lines and headers; proxies allow 8 to 64 kB."""
STALL_WINDOW = 60.0
"""Seconds of waiting within an answer after which its speed is judged. The wait for its first byte is not counted."""
MIN_SPEED = 100
"""Bytes a second that an answer must bring in that window: a fortieth of a slow mobile connection."""
MAX_DEPTH = 200
"""Levels of nesting in an answer, the limit of pydantic's parser; a task has about ten."""
ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})
"""Accepted content encodings. They expand at most a thousandfold, so that one read makes at most 64 MB; others, and
two at once, expand without such a limit."""


class _Watched(httpcore.NetworkStream):
    """A connection whose answers are bounded in bytes and in speed.

    httpx bounds the time of one read only: a byte a second, or endless interim answers, would go on for ever.
    """

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self._total, self._received, self._waited, self._head = 0, 0, 0.0, True

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        begun = time.monotonic()
        data = self._inner.read(max_bytes, timeout)
        if self._total:
            self._waited += time.monotonic() - begun
        self._total += len(data)
        self._received += len(data)
        if self._total > (MAX_HEAD if self._head else MAX_ANSWER):
            raise NotLabelStudio("sends an answer without end")
        if self._waited > STALL_WINDOW:
            if self._received < MIN_SPEED * STALL_WINDOW:
                raise httpcore.ReadTimeout(f"it sent less than {MIN_SPEED} bytes a second for {STALL_WINDOW:g} s")
            self._received, self._waited = 0, 0.0
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._total, self._received, self._waited, self._head = 0, 0, 0.0, True
        self._inner.write(buffer, timeout)

    def body(self) -> None:
        """The headers are read: from now on the bound of a body counts."""
        self._head = False

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Watched(self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(self, *values: Any, **named: Any) -> httpcore.NetworkStream:
        return _Watched(self._inner.connect_tcp(*values, **named))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


def watch(client: httpx.Client) -> httpx.Client:
    """Bound the answers of all connections of `client`, those through a proxy included.

    httpx has no public place for a network backend of httpcore. The tests notice if an update moves this one.
    """
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx.HTTPTransport):
            pool: Any = transport._pool
            pool._network_backend = _Backend(pool._network_backend)
    return client


def receive(client: httpx.Client, request: httpx.Request) -> httpx.Response:
    """Send `request` and read its answer, as far as the bounds allow.

    Raises:
        NotLabelStudio: the answer is larger, compressed in another way, or not HTTP as it should be.
        httpx.TransportError: no answer, or a broken one.
    """
    try:
        answer = client.send(request, stream=True)
        try:
            stream = answer.extensions.get("network_stream")
            if isinstance(stream, _Watched):
                stream.body()
            if answer.headers.get("content-encoding", "").strip().lower() not in ENCODINGS:
                raise NotLabelStudio("sends an answer in an encoding that was not asked for")
            chunks, size = [], 0
            for chunk in answer.iter_bytes():
                size += len(chunk)
                if size > MAX_ANSWER:
                    raise NotLabelStudio(f"sends an answer of more than {MAX_ANSWER >> 20} MB")
                chunks.append(chunk)
        finally:
            answer.close()
    except httpx.TransportError:
        raise
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as error:
        raise NotLabelStudio(f"sends an answer that cannot be read ({one_line(str(error), 200)})") from error
    kept = [(name, value) for name, value in answer.headers.raw if name.lower() in (b"location", b"content-type")]
    return httpx.Response(answer.status_code, headers=kept, content=b"".join(chunks), request=request)


def parse(raw: bytes) -> Any:
    """The JSON in `raw`. Raises ValueError where it is none, or nested more deeply than `MAX_DEPTH`."""
    try:
        return from_json(raw)
    except ValueError:
        pass
    # That parser refuses a byte order mark and half a surrogate pair, which a person may have typed into a task.
    try:
        found = json.loads(raw)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    level: list[Any] = [found]
    for _ in range(MAX_DEPTH):
        level = [one for item in level for one in _inside(item)]
        if not level:
            return found
    raise ValueError("nested too deeply")


def _inside(item: Any) -> Iterable[Any]:
    if isinstance(item, dict):
        return item.values()
    return item if isinstance(item, list) else ()


Number = Annotated[int, Field(strict=True, gt=0, lt=2**63)]
"""An id. The databases of Label Studio hold no larger one."""
Count = Annotated[int, Field(strict=True, ge=0, lt=2**63)]


def _storable(value: str) -> str:
    value.encode()  # half a surrogate pair can be neither stored nor sent
    return value


String = Annotated[str, Field(strict=True), AfterValidator(_storable)]
Text = Annotated[String, BeforeValidator(lambda value: "" if value is None else value)]
"""A string; an empty one for null."""
Objects = list[dict[str, Any]]
_OPEN = with_config(ConfigDict(extra="allow"))


class Version(TypedDict):
    """`/api/version`."""

    release: String


class Numbered(TypedDict):
    """Anything with an id: a user, a tab, a prediction that was made."""

    id: Number


class Access(TypedDict):
    """An access token; it becomes a header."""

    access: Annotated[str, Field(pattern=r"^[\x21-\x7e]+$", max_length=8192)]


class ProjectLine(TypedDict):
    """A project in the list of all."""

    id: Number
    title: Annotated[Text, Field(max_length=1000)]
    description: Text
    created_at: String


class ProjectFields(ProjectLine):
    """A project."""

    label_config: Text
    model_version: NotRequired[Text]


class ProjectPage(TypedDict):
    """A page of the list of projects."""

    results: list[ProjectLine]
    next: NotRequired[String | None]


@_OPEN
class AnyTask(TypedDict):
    """A task of which only the id is sure: decoding reports what is wrong in the rest."""

    id: Number


class AnyPage(TypedDict):
    """A page of such tasks, and the number of all that the query finds."""

    total: Count
    tasks: list[AnyTask]


@_OPEN
class Prediction(TypedDict):
    """A prediction in a task that is listed with all fields."""

    id: Number
    model_version: NotRequired[String | None]


@_OPEN
class FullTask(TypedDict):
    """A task that is listed with all fields."""

    id: Number
    data: dict[str, Any]
    annotations: NotRequired[Objects]
    drafts: NotRequired[Objects]
    predictions: list[Prediction]


class FullPage(TypedDict):
    """A page of tasks with all fields."""

    total: Count
    tasks: list[FullTask]


@_OPEN
class Work(TypedDict):
    """An annotation in an export, as far as a push asks."""

    completed_by: Annotated[int, Field(strict=True)] | None
    was_cancelled: bool


@_OPEN
class ExportedTask(TypedDict):
    """An exported task, as a push uses it."""

    id: Number
    data: dict[str, Any]
    annotations: list[Work]
    drafts: NotRequired[list[Any]]
    predictions: list[Number]


class Tab(TypedDict):
    """A tab of a project."""

    id: Number
    data: dict[str, Any]


class PredictionLine(TypedDict):
    """A prediction in the list of a task's."""

    id: Number
    model_version: String | None


class Imported(TypedDict):
    """What an import made. An edition that imports in the background names no ids."""

    task_ids: NotRequired[list[Number] | None]
    prediction_count: NotRequired[Count | None]


VERSION: TypeAdapter[Any] = TypeAdapter(Version)
NUMBERED: TypeAdapter[Any] = TypeAdapter(Numbered)
ACCESS: TypeAdapter[Any] = TypeAdapter(Access)
PROJECT: TypeAdapter[Any] = TypeAdapter(ProjectFields)
PROJECTS: TypeAdapter[Any] = TypeAdapter(ProjectPage)
PAGE: TypeAdapter[Any] = TypeAdapter(AnyPage)
FULL_PAGE: TypeAdapter[Any] = TypeAdapter(FullPage)
EXPORT: TypeAdapter[Any] = TypeAdapter(list[AnyTask])
WORK: TypeAdapter[Any] = TypeAdapter(list[ExportedTask])
TABS: TypeAdapter[Any] = TypeAdapter(list[Tab])
PREDICTIONS: TypeAdapter[Any] = TypeAdapter(list[PredictionLine])
IMPORTED: TypeAdapter[Any] = TypeAdapter(Imported)


def validated(found: Any, form: TypeAdapter[Any]) -> Any:
    """`found` as `form` has it.

    Raises:
        ValueError: it has another form; one line.
    """
    try:
        return form.validate_python(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(one_line(f"{place}: {first['msg']}" if place else first["msg"], 200)) from None
