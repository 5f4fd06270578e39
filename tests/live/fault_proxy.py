"""A proxy between us and Label Studio that cuts, delays and lies, by a schedule that a seed decides."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

import httpx

Fault = Literal["none", "cut before", "cut after", "502 before", "504 after", "504 and late", "silence after", "slow"]
FAULTS: tuple[Fault, ...] = ("cut before", "cut after", "502 before", "504 after", "504 and late")
"""What the dice may throw."""
LATE = (0.1, 1.2)
"""Seconds after which a late request is carried out, though it was answered with a 504 long before."""


class FaultProxy:
    """Forwards to `target`; one request in so many meets a fault. Used as a context; `faults` counts what happened.

    `cut before` and `502 before`: the server never sees the request. `cut after` and `504 after`: it has carried it
    out. `504 and late`: it carries it out some seconds after the answer. `silence after`: it has carried it out, and
    no answer comes while the proxy lives. `slow`: it sees the request some seconds later, and its answer comes.

    `meets`: what the first request of a kind (`POST /api/projects`) meets whatever the dice say, so many seconds late.
    """

    def __init__(
        self,
        target: str,
        seed: int = 0,
        rate: float = 0,
        *,
        meets: dict[str, Fault] | None = None,
        late: tuple[float, float] = LATE,
    ) -> None:
        self.target, self.rate, self.chance = target, rate, random.Random(seed)
        self.meets, self.delays, self.ended = dict(meets or {}), late, threading.Event()
        self.faults: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.late: list[threading.Thread] = []
        self.upstream = httpx.Client(timeout=120, limits=httpx.Limits(max_connections=50))
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                outer.answer(self)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    def __enter__(self) -> FaultProxy:
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.ended.set()
        self.http.shutdown()
        self.http.server_close()
        for thread in self.late:
            thread.join()
        self.upstream.close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        with self.lock:
            fault: Fault = self.chance.choice(FAULTS) if self.chance.random() < self.rate else "none"
            fault = self.meets.pop(f"{handler.command} {handler.path.partition('?')[0]}", fault)
            delay = self.chance.uniform(*self.delays)
            self.faults[f"{handler.command} {fault}"] += 1
        if fault == "cut before":
            handler.close_connection = True
            return
        if fault == "502 before":
            self.reply(handler, 502, b"Bad Gateway")
            return
        if fault == "504 and late":
            self.late.append(threading.Thread(target=self.forward_late, args=(self.request(handler, body), delay)))
            self.late[-1].start()
            self.reply(handler, 504, b"Gateway Timeout")
            return
        if fault == "slow":
            time.sleep(delay)
        answer = self.forward(self.request(handler, body))
        if fault == "silence after":
            self.ended.wait()
        if fault in ("cut after", "silence after"):
            handler.close_connection = True
        elif fault == "504 after":
            self.reply(handler, 504, b"Gateway Timeout")
        else:
            self.reply(handler, answer.status_code, answer.content)

    def request(self, handler: BaseHTTPRequestHandler, body: bytes) -> httpx.Request:
        """What came in, as it goes on; made at once, for the handler serves the connection's next request later."""
        kept = ("authorization", "content-type")
        headers = {name: value for name, value in handler.headers.items() if name.lower() in kept}
        return self.upstream.build_request(handler.command, self.target + handler.path, content=body, headers=headers)

    def forward_late(self, request: httpx.Request, delay: float) -> None:
        time.sleep(delay)
        self.forward(request)

    def forward(self, request: httpx.Request) -> httpx.Response:
        return self.upstream.send(request)

    def reply(self, handler: BaseHTTPRequestHandler, status: int, content: bytes) -> None:
        try:
            handler.send_response(status)
            handler.send_header("content-type", "application/json")
            handler.send_header("content-length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)
        except OSError:
            pass  # the other side has given up
