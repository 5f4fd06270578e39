"""A client of an OpenAI-compatible server with retries, a budget, and a cache of answers by request."""

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
"""Attempts per request. A completion changes nothing on the server, so it may be sent again."""
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Status codes after which a request is sent again, later."""
LONGEST_PAUSE = 60.0
"""Longest wait before the next attempt, in seconds."""
MAX_ANSWER = 8 * 1024 * 1024
"""Longest answer that is read, in bytes."""


class LlmClient:
    """Requests completions. Answers are cached: a request is not sent twice while the cache exists.

    Args:
        url: the address up to `/v1`.
        api_key: the key, if the server wants one; it is sent to that address only.
        requests: budget of requests; None for no limit.
        tokens: budget of tokens, as the server counts them; None for no limit.
        timeout: seconds to wait for an answer.
        sleep: waits a number of seconds.

    Raises:
        EngineError: the address or the key is invalid.
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
            raise EngineError("CURATION_SERVER_API_KEY is not a valid key; copy it again")
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {self._key}"} if self._key else {}, timeout=timeout
        )
        self._requests, self._tokens, self._sleep = requests, tokens, sleep
        self._lock = threading.Lock()
        self.sent = self.used = 0

    def __repr__(self) -> str:
        return f"LlmClient({self.url})"

    def complete(self, body: dict[str, Any], *, cache: Path | None) -> dict[str, Any]:
        """The JSON object in the first choice of the answer.

        Raises:
            Stopped: the server does not answer or refuses access, or the budget is spent.
            EngineError: the answer is not a JSON object.
        """
        request = json.dumps(body, sort_keys=True, ensure_ascii=False)
        key = hashlib.sha256(f"{self.url}\n{request}".encode()).hexdigest()
        cached = cache / key[:2] / f"{key}.json" if cache else None
        if cached and cached.is_file():
            try:
                return _object(cached.read_text(encoding="utf-8"))
            except (OSError, EngineError):
                cached.unlink(missing_ok=True)
        answer = _object(self._content(self._post(body)))
        if cached:
            with whole_file(cached) as file:
                json.dump(answer, file, ensure_ascii=False)
        return answer

    def _post(self, body: dict[str, Any]) -> bytes:
        """The server's answer; retries with growing pauses while the server is busy or unavailable."""
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
                reason = f"answers {response.status_code}: {self._printable(answer)}"
                if response.status_code in (401, 403):
                    raise Stopped(f"{self.url} {reason}; set CURATION_SERVER_API_KEY to a key that it accepts")
                if response.status_code == 404:
                    raise Stopped(f"{self.url} {reason}; check CURATION_SERVER_URL and --model")
                if response.status_code not in BUSY:
                    raise EngineError(f"{self.url} {reason}")
                pause = max(pause, min(LONGEST_PAUSE, _retry_after(response)))
            if attempt < TRIES - 1:
                self._sleep(pause)
        raise Stopped(f"{self.url} {reason}, {TRIES} times; run again when it does, finished articles are kept")

    def _spend(self) -> None:
        with self._lock:
            for name, spent, limit in (("REQUESTS", self.sent, self._requests), ("TOKENS", self.used, self._tokens)):
                if limit is not None and spent >= limit:
                    raise Stopped(
                        f"the budget of {limit} {name.lower()} is spent; raise CURATION_SERVER_{name} and run again, "
                        "finished articles are kept"
                    )
            self.sent += 1

    def _content(self, answer: bytes) -> str:
        record = _object(answer)
        usage = record.get("usage")
        total = usage.get("total_tokens") if isinstance(usage, dict) else None
        with self._lock:
            # if the server does not count tokens: about four bytes each
            self.used += total if isinstance(total, int) and total >= 0 else len(answer) // 4
        try:
            choice = record["choices"][0]
            content = choice["message"]["content"]
        except (KeyError, IndexError, TypeError) as error:
            raise EngineError("the server's answer is not a chat completion") from error
        if choice.get("finish_reason") == "length":
            raise EngineError("the server cut its answer short; give the model more room for answers")
        if not isinstance(content, str):
            raise EngineError("the server's answer has no text")
        return content

    def _printable(self, answer: bytes) -> str:
        text = answer.decode("utf-8", "replace")
        return one_line(text.replace(self._key, "…") if self._key else text, 200)


def _address(url: str) -> str:
    """The address without query and trailing slash. It appears in errors, so one with a password is refused."""
    try:
        parts = httpx.URL(url.strip())
        valid, password = parts.scheme in ("http", "https") and bool(parts.host), bool(parts.userinfo)
    except (httpx.InvalidURL, ValueError):
        valid, password = False, False
    if password or (not valid and "@" in url):
        raise EngineError(
            "the address in CURATION_SERVER_URL contains a password; remove it and set CURATION_SERVER_API_KEY"
        )
    if not valid:
        raise EngineError(
            f"{one_line(url)} is not an address; set CURATION_SERVER_URL, such as http://127.0.0.1:8080/v1"
        )
    return str(parts.copy_with(query=None, fragment=None)).rstrip("/")


def _object(raw: str | bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise EngineError("the server's answer is not JSON") from error
    if not isinstance(found, dict):
        raise EngineError("the server's answer is not a JSON object")
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
