from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from curation.errors import LabelStudioError, OutcomeUnknown, Unauthorized, Unreachable
from curation.labelstudio.client import TRIES, Client

KEY = "0123456789abcdef0123456789abcdef01234567"
VERSION = {"release": "1.23.2"}
Answers = Callable[[str, str, dict[str, str]], tuple[int, object]]


class Server:
    """A server on loopback that answers as it is told: (method, path, headers) → (status, body)."""

    def __init__(self, answers: Answers) -> None:
        self.requests: list[tuple[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                outer.requests.append((self.command, self.path))
                status, body = answers(self.command, self.path, dict(self.headers))
                if status == 0:  # hang up without a word
                    self.close_connection = True
                    return
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                if status in (301, 302):
                    self.send_header("location", str(body))
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Answers], Server]]:
    monkeypatch.setattr("curation.labelstudio.client.time.sleep", lambda seconds: None)
    servers: list[Server] = []

    def start(answers: Answers) -> Server:
        servers.append(Server(answers))
        return servers[-1]

    yield start
    for server in servers:
        server.http.shutdown()
        server.http.server_close()


def test_the_version_proves_the_server_and_the_user_the_key(serve: Callable[[Answers], Server]) -> None:
    def answers(method: str, path: str, headers: dict[str, str]) -> tuple[int, object]:
        if path == "/api/version":
            return 200, VERSION
        return (200, {"id": 7}) if headers["Authorization"] == f"Token {KEY}" else (401, {"detail": "Invalid token."})

    server = serve(answers)
    with Client(server.url + "/", KEY) as client:
        assert client.version() == "1.23.2"
        assert client.user() == 7
    with pytest.raises(Unauthorized, match=r"refuses the API key \(Invalid token"):
        Client(server.url, "f" * 40).user()


def test_a_path_prefix_is_kept(serve: Callable[[Answers], Server]) -> None:
    server = serve(
        lambda method, path, headers: (200, VERSION | {"id": 1}) if path.startswith("/ls/api/") else (404, {})
    )
    assert Client(server.url + "/ls", KEY).version() == "1.23.2"


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", {"hello": "world"}, [1], "1.23.2"])
def test_what_is_not_label_studio_is_told_apart(serve: Callable[[Answers], Server], body: object) -> None:
    server = serve(lambda method, path, headers: (200, body))
    with pytest.raises(Unreachable, match="is not Label Studio"):
        Client(server.url, KEY).version()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_proxy_never_sees_the_key_of_a_server_on_this_machine(
    serve: Callable[[Answers], Server], monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    server = serve(lambda method, path, headers: (200, {"id": 1}))
    proxy = serve(lambda method, path, headers: (200, {"id": 2}))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Client(server.url.replace("127.0.0.1", host), KEY) as client:
        assert client.user() == 1
    assert proxy.requests == []
    with Client("http://label-studio.example.org", KEY) as client:
        assert client.user() == 2, "a server elsewhere is asked through the proxy"


def test_nobody_there() -> None:
    with pytest.raises(Unreachable, match="does not answer"):
        Client("http://127.0.0.1:9", KEY).version()


@pytest.mark.parametrize("url", ["", "label-studio", "ftp://host", "http://", "http://[::", "file:///etc/passwd"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(Unreachable, match="no address"):
        Client(url, KEY)


@pytest.mark.parametrize("url", ["https://anna:hunter2@host", "https://anna:hunter2@[::", "anna:hunter2@host"])
def test_a_password_in_the_address_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(Unreachable, match="leave it out") as caught:
        Client(url, KEY)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("key", ["", "two words", "caf\u00e9", "a\nb"])
def test_keys_that_are_none_are_not_shown(key: str) -> None:
    with pytest.raises(Unauthorized, match="API key") as caught:
        Client("http://host", key)
    assert not key or key not in str(caught.value)


def test_a_redirect_is_named_and_not_followed(serve: Callable[[Answers], Server]) -> None:
    server = serve(lambda method, path, headers: (301, "https://elsewhere.example/api/version"))
    with pytest.raises(Unreachable, match=r"redirects to https://elsewhere\.example"):
        Client(server.url, KEY).version()
    assert len(server.requests) == 1


def test_reads_are_tried_again(serve: Callable[[Answers], Server]) -> None:
    left = [503, 0, 502]
    server = serve(lambda method, path, headers: (left.pop(), {}) if left else (200, {"fine": True}))
    assert Client(server.url, KEY).get("/api/x") == {"fine": True}
    assert len(server.requests) == 4


def test_reads_are_not_tried_for_ever(serve: Callable[[Answers], Server]) -> None:
    server = serve(lambda method, path, headers: (503, {}))
    with pytest.raises(Unreachable, match="503"):
        Client(server.url, KEY).get("/api/x")
    assert len(server.requests) == TRIES


@pytest.mark.parametrize("status", [0, 500, 502, 503, 504])
def test_a_post_is_sent_once_and_its_outcome_left_open(serve: Callable[[Answers], Server], status: int) -> None:
    server = serve(lambda method, path, headers: (status, {}))
    with pytest.raises(OutcomeUnknown, match="may have been carried out"):
        Client(server.url, KEY).post("/api/x", {"a": 1})
    assert len(server.requests) == 1


def test_a_post_answered_by_a_login_page_is_left_open(serve: Callable[[Answers], Server]) -> None:
    server = serve(lambda method, path, headers: (200, b"<html>Sign in</html>"))
    with pytest.raises(OutcomeUnknown, match="other than JSON"):
        Client(server.url, KEY).post("/api/x", {})


def test_a_post_that_never_left_is_not_ambiguous() -> None:
    with pytest.raises(Unreachable, match="does not answer"):
        Client("http://127.0.0.1:9", KEY).post("/api/x", {})


def test_a_refusal_says_why(serve: Callable[[Answers], Server]) -> None:
    body = {"detail": "Validation error", "validation_errors": {"title": ["Too short."]}}
    server = serve(lambda method, path, headers: (400, body))
    with pytest.raises(LabelStudioError, match=r"refused \(400: .*Too short"):
        Client(server.url, KEY).post("/api/x", {})
    assert len(server.requests) == 1


def test_what_is_missing_is_none(serve: Callable[[Answers], Server]) -> None:
    server = serve(lambda method, path, headers: (404, {"detail": "No Project matches the given query."}))
    client = Client(server.url, KEY)
    assert client.find("/api/projects/9") is None
    client.delete("/api/tasks/9")
    with pytest.raises(LabelStudioError, match="No Project"):
        client.get("/api/projects/9")


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 500, 502])
def test_the_key_is_in_no_message(serve: Callable[[Answers], Server], status: int) -> None:
    server = serve(lambda method, path, headers: (status, {"detail": "no"}))
    client = Client(server.url, KEY)
    assert KEY not in repr(client)
    for call in (client.get, partial(client.post, body={}), partial(client.patch, body={})):
        with pytest.raises(LabelStudioError) as caught:
            call("/api/x")
        assert KEY not in str(caught.value) + repr(caught.value)


def jwt(lifetime: float, kind: str) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'HS256'})}.{part({'iat': 1000, 'exp': 1000 + lifetime, 'token_type': kind})}.c2lnbmF0dXJl"


def personal(lifetime: float, made: list[str]) -> Answers:
    def answers(method: str, path: str, headers: dict[str, str]) -> tuple[int, object]:
        if path.startswith("/api/token/refresh"):
            made.append(jwt(lifetime, f"access {len(made)}"))
            return 200, {"access": made[-1]}
        return (200, {}) if headers["Authorization"] == f"Bearer {made[-1]}" else (401, {"detail": "Token is expired"})

    return answers


def test_a_personal_token_is_exchanged_once_while_it_lives(serve: Callable[[Answers], Server]) -> None:
    made: list[str] = []
    client = Client(serve(personal(300, made)).url, jwt(1e9, "refresh"))
    for _ in range(5):
        client.get("/api/x")
    assert len(made) == 1


def test_a_personal_token_is_renewed_before_it_ends(
    serve: Callable[[Answers], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    now = [1_000_000.0]
    monkeypatch.setattr("curation.labelstudio.client.time.monotonic", lambda: now[0])
    client = Client(serve(personal(300, made)).url, jwt(1e9, "refresh"))
    for _ in range(4):
        client.get("/api/x")
        now[0] += 100
    assert len(made) == 2


def test_a_token_that_ended_under_way_is_renewed_for_a_post_too(serve: Callable[[Answers], Server]) -> None:
    made: list[str] = []
    server = serve(personal(300, made))
    client = Client(server.url, jwt(1e9, "refresh"))
    client.get("/api/x")
    made.append("another one counts now")
    client.post("/api/y", {})
    assert [path for _, path in server.requests].count("/api/y") == 2
    assert len(made) == 3


@pytest.mark.parametrize("failures", [1, TRIES])
def test_a_refresh_that_fails_leaves_nothing_unknown(serve: Callable[[Answers], Server], failures: int) -> None:
    refreshed: list[str] = []

    def answers(method: str, path: str, headers: dict[str, str]) -> tuple[int, object]:
        if not path.startswith("/api/token/refresh"):
            return 201, {"id": 1}
        refreshed.append(path)
        return (0, None) if len(refreshed) <= failures else (200, {"access": jwt(300, "access")})

    server = serve(answers)
    client = Client(server.url, jwt(1e9, "refresh"))
    if failures < TRIES:
        assert client.post("/api/y", {}) == {"id": 1}
    else:
        with pytest.raises(Unreachable, match="does not answer") as caught:
            client.post("/api/y", {})
        assert "carried out" not in str(caught.value)
    assert [path for _, path in server.requests].count("/api/y") == (failures < TRIES)


def test_a_personal_token_that_is_refused(serve: Callable[[Answers], Server]) -> None:
    server = serve(lambda method, path, headers: (401, {"detail": "Token is invalid"}))
    key = jwt(1e9, "refresh")
    with pytest.raises(Unauthorized, match="Token is invalid") as caught:
        Client(server.url, key).get("/api/x")
    assert key not in str(caught.value)


def test_a_certificate_authority_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    for path in (tmp_path / "ca.pem", tmp_path / "missing.pem"):
        with pytest.raises(Unreachable, match="certificate authority"):
            Client("https://host", KEY, verify=path)


def test_the_sdk_waits_as_long_as_we_do() -> None:
    with Client("http://127.0.0.1:9", KEY, timeout=90) as client:
        assert client.sdk()._client_wrapper.httpx_client.httpx_client.timeout.read == 90
