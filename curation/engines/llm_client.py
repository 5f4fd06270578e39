"""One thin client of an OpenAI-compatible server: retries, a budget, and a cache of answers by what was asked."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from curation.engines.engine import Stopped
from curation.errors import EngineError, one_line
from curation.files import whole_file

TRIES = 5
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which the same is asked again, later."""
LONGEST_PAUSE = 60.0
MAX_ANSWER = 8 * 1024 * 1024
"""Longest answer we read, in bytes."""


class LlmClient:
    """Asks for completions. What was answered once is not asked again while `cache` stands.

    Args:
        url: the address up to `/v1`.
        api_key: the key, if the server wants one; it is sent to that address and nowhere else.
        requests: how many requests to send at most; None for no limit.
        tokens: how many tokens to use at most, as the server counts them; None for no limit.
        timeout: seconds to wait for an answer.
        sleep: how to wait.

    Raises:
        EngineError: the address or the key cannot be one.
    """

    def __init__(
        self,
        url: str,
        api_key: SecretStr | None = None,
        *,
        requests: int | None = None,
        tokens: int | None = None,
        timeout: float = 300.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = _address(url)
        self._key = api_key.get_secret_value().strip() if api_key else ""
        if self._key and not re.fullmatch(r"[\x21-\x7e]+", self._key):
            raise EngineError("CURATION_SERVER_API_KEY cannot be a key; copy it again")
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {}, timeout=timeout
        )
        self._requests, self._tokens, self._sleep = requests, tokens, sleep
        self._lock = threading.Lock()
        self.sent = self.used = 0

    def __repr__(self) -> str:
        return f"LlmClient({self.url})"

    def complete(self, body: dict[str, Any], *, cache: Path | None) -> dict[str, Any]:
        """The JSON object that the server's first choice holds.

        Raises:
            Stopped: the server does not answer or refuses us, or the budget is spent.
            EngineError: what it answers is no JSON object.
        """
        asked = json.dumps(body, sort_keys=True, ensure_ascii=False)
        key = hashlib.sha256(f"{self.url}\n{asked}".encode()).hexdigest()
        kept = cache / key[:2] / f"{key}.json" if cache else None
        if kept and kept.is_file():
            try:
                return _object(kept.read_text(encoding="utf-8"))
            except (OSError, EngineError):
                kept.unlink(missing_ok=True)
        found = _object(self._content(self._ask(body)))
        if kept:
            with whole_file(kept) as file:
                json.dump(found, file, ensure_ascii=False)
        return found

    def _ask(self, body: dict[str, Any]) -> bytes:
        """The server's answer, asked again with growing pauses while it is busy or away."""
        reason = ""
        for attempt in range(TRIES):
            self._spend()
            pause = min(LONGEST_PAUSE, 2.0**attempt)
            try:
                with self._http.stream("POST", f"{self.url}/chat/completions", json=body) as response:
                    answer = _read(response)
            except httpx.HTTPError as error:
                reason = f"does not answer ({type(error).__name__})"
            else:
                if response.status_code == 200:
                    return answer
                reason = f"answers {response.status_code}: {self._harmless(answer)}"
                if response.status_code in (401, 403):
                    raise Stopped(f"{self.url} {reason}; set CURATION_SERVER_API_KEY to a key it takes")
                if response.status_code == 404:
                    raise Stopped(f"{self.url} {reason}; check CURATION_SERVER_URL and --model")
                if response.status_code not in BUSY:
                    raise EngineError(f"{self.url} {reason}")
                pause = max(pause, min(LONGEST_PAUSE, _retry_after(response)))
            if attempt < TRIES - 1:
                self._sleep(pause)
        raise Stopped(f"{self.url} {reason}, {TRIES} times; run again when it does, what is finished is kept")

    def _spend(self) -> None:
        with self._lock:
            for name, spent, limit in (("REQUESTS", self.sent, self._requests), ("TOKENS", self.used, self._tokens)):
                if limit is not None and spent >= limit:
                    raise Stopped(
                        f"the budget of {limit} {name.lower()} is spent; raise CURATION_SERVER_{name} and run again, "
                        "what is finished is kept"
                    )
            self.sent += 1

    def _content(self, answer: bytes) -> str:
        record = _object(answer)
        usage = record.get("usage")
        total = usage.get("total_tokens") if isinstance(usage, dict) else None
        with self._lock:
            # a server that counts no tokens: about four bytes each
            self.used += total if isinstance(total, int) and total >= 0 else len(answer) // 4
        try:
            choice = record["choices"][0]
            content = choice["message"]["content"]
        except (KeyError, IndexError, TypeError) as error:
            raise EngineError("the server's answer is not that of a chat completion") from error
        if choice.get("finish_reason") == "length":
            raise EngineError("the server cut its answer short; give the model more room for answers")
        if not isinstance(content, str):
            raise EngineError("the server's answer holds no text")
        return content

    def _harmless(self, answer: bytes) -> str:
        text = answer.decode("utf-8", "replace")
        return one_line(text.replace(self._key, "…") if self._key else text, 200)


def _address(url: str) -> str:
    """`url` as we ask it. It stands in errors, so none with a password in it is taken or shown."""
    try:
        parts = httpx.URL(url.strip())
        fine, password = parts.scheme in ("http", "https") and bool(parts.host), bool(parts.userinfo)
    except (httpx.InvalidURL, ValueError):
        fine, password = False, False
    if password or (not fine and "@" in url):
        raise EngineError(
            "the address in CURATION_SERVER_URL holds a password; leave it out and set CURATION_SERVER_API_KEY"
        )
    if not fine:
        raise EngineError(f"{one_line(url)} is no address; set CURATION_SERVER_URL, such as http://127.0.0.1:8080/v1")
    return str(parts.copy_with(query=None, fragment=None)).rstrip("/")


def _object(raw: str | bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise EngineError("the server's answer is not JSON") from error
    if not isinstance(found, dict):
        raise EngineError("the server's answer is no JSON object")
    return found


def _read(response: httpx.Response) -> bytes:
    parts, size = [], 0
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER:
            raise EngineError(f"the server's answer is longer than {MAX_ANSWER} bytes")
    return b"".join(parts)


def _retry_after(response: httpx.Response) -> float:
    value = response.headers.get("retry-after", "")
    return float(value) if re.fullmatch(r"\d{1,6}", value) else 0.0
