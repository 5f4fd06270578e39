"""What stands before Label Studio in production: a reverse proxy with TLS, or one that is taken down and put up."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NoReturn

import httpx
import pytest


class Front:
    """Forwards to `target` what comes for `prefix`, and leaves the prefix out; all else is not found.

    Used as a context. `down` and `up` take it away and bring it back on the same port; `seen` counts by status.

    Args:
        target: address of the server behind.
        port: where to listen on 127.0.0.1; 0: anywhere.
        prefix: path under which the server is reached, such as `/label-studio`.
        certificate: PEM file with key and certificate; without one it speaks plain HTTP.
    """

    def __init__(self, target: str, *, port: int = 0, prefix: str = "", certificate: Path | None = None) -> None:
        self.target, self.prefix, self.certificate, self.port = target, prefix, certificate, port
        self.upstream = httpx.Client(timeout=300)
        self.seen: Counter[int] = Counter()
        self.up()

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}{self.prefix}"

    def __enter__(self) -> Front:
        return self

    def __exit__(self, *error: object) -> None:
        self.down()
        self.upstream.close()

    def up(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self) -> None:
                outer.forward(self)

            do_GET = do_POST = do_PATCH = do_DELETE = forward

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.http.daemon_threads = True
        self.port = self.http.server_port
        if self.certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            # The handshake is left to the handler's thread, so that one who never ends it holds up no one else.
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        self.alive = True
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()

    def down(self) -> None:
        if self.alive:
            self.alive = False
            self.http.shutdown()
            self.http.server_close()

    def forward(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        if not self.alive:
            handler.close_connection = True  # a connection that was kept open
            return
        status, headers, content = 404, {}, b"not here"
        if handler.path.startswith(self.prefix + "/"):
            kept = ("authorization", "content-type")
            sent = {name: value for name, value in handler.headers.items() if name.lower() in kept}
            path = handler.path[len(self.prefix) :]
            answer = self.upstream.request(handler.command, self.target + path, content=body, headers=sent)
            status, content = answer.status_code, answer.content
            headers = {name: answer.headers[name] for name in ("content-type", "location") if name in answer.headers}
        self.seen[status] += 1
        handler.send_response(status)
        for name, value in (headers | {"content-length": str(len(content))}).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)


def private_authority(folder: Path) -> tuple[Path, Path]:
    """A certificate authority of our own (PEM), and key and certificate of 127.0.0.1 that it signed."""
    if shutil.which("openssl") is None:
        missing("no openssl: install the package openssl")
    folder.mkdir(parents=True, exist_ok=True)

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "rsa:2048", "-nodes")
    authority = ("-x509", "-days", "2", "-subj", "/CN=Test authority", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", *key, *authority, "-keyout", "authority.key", "-out", "authority.pem")
    openssl("req", *key, "-subj", "/CN=127.0.0.1", "-keyout", "server.key", "-out", "server.csr")
    (folder / "address").write_text("subjectAltName = IP:127.0.0.1\n")
    signed = ("-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-days", "1", "-extfile", "address")
    openssl("x509", "-req", "-in", "server.csr", *signed, "-out", "server.crt")
    server = folder / "server.pem"
    server.write_bytes((folder / "server.key").read_bytes() + (folder / "server.crt").read_bytes())
    return folder / "authority.pem", server


def missing(reason: str) -> NoReturn:
    """What a test needs is not on this machine: it is skipped, but in CI it fails."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
