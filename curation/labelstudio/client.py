"""One thin client for Label Studio's API, on httpx.

The official SDK takes 2 to 4 seconds to import (pandas comes along), sends an import again on a 504 and reads tasks
at a third of the speed, so the jobs do not use it; `Client.sdk` gives it, on the same server and key, for all the
rest: users, storages, webhooks.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
import ssl
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
from pydantic import TypeAdapter

from curation.errors import LabelStudioError, NotLabelStudio, OutcomeUnknown, Unauthorized, Unreachable, one_line
from curation.labelstudio import answers

TRIES = 4
"""Most attempts of a request that changes nothing or may be repeated."""
PAUSE = 0.5
"""Seconds before the second attempt."""
BUSY = frozenset({429, 502, 503, 504})
"""Status codes of a server that is busy or starting."""
PASSING = BUSY | {500}
"""Status codes after which such a request is repeated: a listing fails with 500 if a task is deleted meanwhile."""
MAX_REASON = 1_000_000
"""Bytes of an error's body that is searched for a reason: Label Studio names each task that it refuses."""
RENEW_AFTER = 0.6
"""Fraction of an access token's lifetime after which it is renewed."""


class Client:
    """A Label Studio server and a key to it.

    Reads, and writes that may be repeated, are tried again with growing pauses. A `post` is sent once: where its
    outcome is unknown, `OutcomeUnknown` is raised, and the server is to be asked before anything is sent again.

    Args:
        url: the address, with the path prefix if there is one (`https://host/label-studio`).
        api_key: a legacy token or a personal access token.
        verify: False to trust any certificate, or the PEM file of a private certificate authority.
        timeout: seconds to wait for an answer.
        pause: seconds before a request is tried a second time; twice as many before the third, and so on.

    Raises:
        Unreachable: the address cannot be one.
        Unauthorized: the key cannot be one.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        verify: bool | str | Path = True,
        timeout: float = 120.0,
        pause: float = PAUSE,
    ) -> None:
        self.url, self._pause = _address(url), pause
        self._key = api_key.strip()
        if not re.fullmatch(r"[\x21-\x7e]+", self._key):
            raise Unauthorized(
                f"{self.url}: what is given as API key cannot be one; copy it again from Account & Settings"
            )
        # A personal access token is a JWT; a legacy token is 40 hex digits.
        self._personal = self._key.count(".") == 2 and self._key.startswith("eyJ")
        self._access, self._renew_at = "", 0.0
        self._lock = threading.Lock()
        self._verify = _trust(verify)
        limits = httpx.Timeout(timeout, connect=min(timeout, 15.0))
        # A proxy that the environment names must not see the key of a server on this machine.
        self._proxies = not _is_loopback(self.url)
        self._http = answers.watch(
            httpx.Client(
                verify=self._verify,
                timeout=limits,
                follow_redirects=False,
                trust_env=self._proxies,
                headers={"Accept-Encoding": "gzip, deflate"},
            )
        )

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def version(self) -> str:
        """Label Studio's release, such as `1.23.2`. Proves that it is Label Studio; the key is not looked at.

        Raises:
            Unreachable: nothing answers, or something that is not Label Studio.
        """
        try:
            answer = answers.receive(self._http, self._http.build_request("GET", f"{self.url}/api/version"))
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        except NotLabelStudio as error:
            raise self._strange(error) from error
        self._no_redirect(answer)
        try:
            return str(answers.validated(answers.parse(answer.content), answers.VERSION)["release"])
        except ValueError:
            raise NotLabelStudio(
                f"{self.url} answers, but is not Label Studio; correct the address, with its path prefix if it has one"
            ) from None

    def user(self) -> int:
        """The id of the key's user. Raises Unauthorized if the key is refused."""
        return int(self.get("/api/current-user/whoami", form=answers.NUMBERED)["id"])

    def get(self, path: str, params: dict[str, Any] | None = None, *, form: TypeAdapter[Any] | None = None) -> Any:
        """The JSON at `path`, validated as `form`."""
        return self.json(self._send("GET", path, params=params, again=True), form)

    def fetch(self, path: str) -> httpx.Response:
        """The answer at `path`, not read yet: see `json`."""
        return self._send("GET", path, again=True)

    def find(self, path: str, params: dict[str, Any] | None = None, *, form: TypeAdapter[Any] | None = None) -> Any:
        """The JSON at `path`, validated as `form`, or None if the server does not have it."""
        answer = self._send("GET", path, params=params, again=True, missing=True)
        found = self.json(answer, form if answer.is_success else None)  # a page in HTML says nothing of our project
        return found if answer.is_success else None

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        content: bytes | None = None,
        params: dict[str, Any] | None = None,
        timeout: float | None = None,
        form: TypeAdapter[Any] | None = None,
    ) -> Any:
        """Send `body`, or ready-made JSON `content`, once. Returns the JSON of the answer, validated as `form`.

        Raises:
            OutcomeUnknown: no answer, or one that leaves open whether the request was carried out.
        """
        if content is None:
            content = json.dumps(body, ensure_ascii=False).encode()
        answer = self._send("POST", path, params=params, content=content, timeout=timeout)
        try:
            return self.json(answer, form)
        except Unreachable as error:
            raise OutcomeUnknown(f"{error}; {path} may have been carried out") from error

    def patch(self, path: str, body: Any, *, once: bool = False, form: TypeAdapter[Any] | None = None) -> Any:
        """Change what is at `path`. With `once` it is not tried again, and raises `OutcomeUnknown` as `post` does."""
        answer = self._send("PATCH", path, content=json.dumps(body).encode(), again=not once)
        try:
            return self.json(answer, form)
        except Unreachable as error:
            if not once:
                raise
            raise OutcomeUnknown(f"{error}; {path} may have been carried out") from error

    def delete(self, path: str) -> None:
        """Delete what is at `path`; no error if it is gone already."""
        self._send("DELETE", path, again=True, missing=True)

    def sdk(self) -> Any:
        """The official SDK's `LabelStudio` client on the same server and key. Slow to import."""
        from label_studio_sdk import LabelStudio

        http = httpx.Client(verify=self._verify, timeout=self._http.timeout, trust_env=self._proxies)
        return LabelStudio(base_url=self.url, api_key=self._key, httpx_client=http)

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, Any] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,
        again: bool = False,
        missing: bool = False,
    ) -> httpx.Response:
        tries, renewed = TRIES if again else 1, False
        wait: Any = httpx.USE_CLIENT_DEFAULT if timeout is None else httpx.Timeout(timeout, connect=15.0)
        for attempt in range(tries + 1):
            if attempt:
                time.sleep(self._pause * 2 ** (attempt - 1))
            try:
                answer = self._request(method, path, params, content, wait)
                if answer.status_code == 401 and self._personal and not renewed:
                    # The access token ran out under way; a request answered with 401 was not carried out.
                    renewed, self._renew_at = True, 0.0
                    answer = self._request(method, path, params, content, wait)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                if attempt + 1 >= tries:
                    raise self._unreachable(error) from error
            except httpx.TransportError as error:
                if not again:
                    raise OutcomeUnknown(
                        f"{self.url}: {method} {path} got no answer ({_reason(error)}) and may have been carried out; "
                        "run it again, it asks the server first"
                    ) from error
                if attempt + 1 >= tries:
                    raise self._unreachable(error) from error
            except NotLabelStudio as error:
                strange = self._strange(error)
                if again:
                    raise strange from error
                raise OutcomeUnknown(f"{strange}; {method} {path} may have been carried out") from error
            else:
                if answer.status_code not in PASSING or attempt + 1 >= tries:
                    return self._checked(method, path, answer, again=again, missing=missing)
        raise AssertionError("the last try returns or raises")

    def _request(
        self, method: str, path: str, params: dict[str, Any] | None, content: bytes | None, wait: Any
    ) -> httpx.Response:
        headers = {"Authorization": self._authorization(), "Content-Type": "application/json"}
        request = self._http.build_request(
            method, self.url + path, params=params, content=content, headers=headers, timeout=wait
        )
        return answers.receive(self._http, request)

    def _authorization(self) -> str:
        if not self._personal:
            return f"Token {self._key}"
        with self._lock:
            if time.monotonic() >= self._renew_at:
                self._access = self._new_access_token()
                self._renew_at = time.monotonic() + RENEW_AFTER * _life(self._access)
            return f"Bearer {self._access}"

    def _new_access_token(self) -> str:
        """An access token for the personal token. It changes nothing on the server, so it is tried again.

        Raises:
            Unreachable: no answer. Never `OutcomeUnknown`: the request that needs the token has not been sent.
            Unauthorized: the personal token is refused.
        """
        for attempt in range(TRIES):
            if attempt:
                time.sleep(self._pause * 2 ** (attempt - 1))
            try:
                request = self._http.build_request(
                    "POST", f"{self.url}/api/token/refresh/", json={"refresh": self._key}
                )
                answer = answers.receive(self._http, request)
            except httpx.TransportError as error:
                if attempt + 1 == TRIES:
                    raise self._unreachable(error) from error
            else:
                if answer.status_code not in PASSING:
                    break
        if answer.status_code in (400, 401, 403):
            raise self._refused(answer)
        checked = self._checked("POST", "/api/token/refresh/", answer, again=True)
        return str(self.json(checked, answers.ACCESS)["access"])

    def _checked(
        self, method: str, path: str, answer: httpx.Response, *, again: bool, missing: bool = False
    ) -> httpx.Response:
        status = answer.status_code
        if answer.is_success or (status == 404 and missing):
            return answer
        self._no_redirect(answer)
        if status in (401, 403):
            raise self._refused(answer)
        what = f"{self.url}: {method} {path}"
        if status >= 500:
            if not again:
                raise OutcomeUnknown(
                    f"{what} failed with {status} and may have been carried out all the same; "
                    "run it again, it asks the server first"
                )
            if status in BUSY:
                raise Unreachable(f"{what} failed with {status} {TRIES} times; wait until Label Studio is up again")
            raise Unreachable(f"{what} failed inside Label Studio ({status}: {_detail(answer)}); see its log")
        if status < 400:
            raise NotLabelStudio(
                f"{what} was answered with status {status}; see that it is the address of Label Studio"
            )
        way_out = "use a smaller batch size" if status == 413 else "correct what it names"
        raise LabelStudioError(f"{what} was refused ({status}: {_detail(answer)}); {way_out}")

    def json(self, answer: httpx.Response, form: TypeAdapter[Any] | None = None) -> Any:
        """The JSON of an answer of `fetch`, validated as `form`.

        Raises:
            NotLabelStudio: it is no JSON, or has another form.
        """
        try:
            found = answers.parse(answer.content)
        except ValueError as error:
            raise NotLabelStudio(
                f"{self.url} answered with something other than JSON; a proxy or a login page may answer instead"
            ) from error
        if form is None:
            return found
        try:
            return answers.validated(found, form)
        except ValueError as error:
            what = f"{answer.request.method} {answer.request.url.path}"
            raise NotLabelStudio(
                f"{self.url} answers {one_line(what, 100)} with something other than Label Studio does ({error}); a "
                "proxy may answer instead, or it is a Label Studio that we do not know"
            ) from error

    def _strange(self, error: NotLabelStudio) -> NotLabelStudio:
        return NotLabelStudio(
            f"{self.url} {error}; see that the address is that of Label Studio, with no proxy between"
        )

    def _no_redirect(self, answer: httpx.Response) -> None:
        if answer.is_redirect:
            target = one_line(answer.headers.get("location", ""), 200)
            raise NotLabelStudio(f"{self.url} redirects to {target}; give the address it really has")

    def _refused(self, answer: httpx.Response) -> Unauthorized:
        detail = _detail(answer)
        if answer.status_code == 403:
            way_out = "use the key of a user who may"
        elif "legacy" in detail:
            way_out = "use a personal access token, or allow legacy tokens in Organization settings"
        else:
            way_out = "copy it again from Account & Settings in Label Studio"
        return Unauthorized(f"{self.url} refuses the API key ({detail}); {way_out}")

    def _unreachable(self, error: httpx.TransportError) -> Unreachable:
        reason = _reason(error)
        way_out = "start Label Studio or correct the address"
        if "CERTIFICATE" in reason.upper() or "SSL" in reason.upper():
            way_out = "name its certificate authority in LABEL_STUDIO_CA, or use http if it has no TLS"
        return Unreachable(f"{self.url} does not answer ({reason}); {way_out}")


def _address(url: str) -> str:
    try:
        parts = httpx.URL(url.strip())
        fine, password = parts.scheme in ("http", "https") and bool(parts.host), bool(parts.userinfo)
    except (httpx.InvalidURL, TypeError, ValueError):
        fine, password = False, False
    if password or (not fine and "@" in url):
        raise Unreachable("the address of Label Studio holds a password; leave it out and give an API key")
    if not fine:
        raise Unreachable(f"{url!r} is no address of a server; give one such as https://label-studio.example.org")
    return str(parts.copy_with(query=None, fragment=None)).rstrip("/")


def _is_loopback(url: str) -> bool:
    host = httpx.URL(url).host
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def _trust(verify: bool | str | Path) -> bool | ssl.SSLContext:
    if isinstance(verify, bool):
        return verify
    try:
        return ssl.create_default_context(cafile=str(verify))
    except (OSError, ssl.SSLError) as error:
        raise Unreachable(
            f"{verify}: no certificate authority can be read from it ({one_line(str(error), 200)}); name a PEM file"
        ) from error


def _life(token: str) -> float:
    """Seconds a JWT lives, by its own claims: no clock of ours is compared with the server's."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return min(max(1.0, float(claims["exp"]) - float(claims["iat"])), 86_400.0)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return 60.0


def _reason(error: Exception) -> str:
    return one_line(str(error), 200) or type(error).__name__


def _detail(answer: httpx.Response) -> str:
    """The reason that the server gives, on one bounded line."""
    try:
        if len(answer.content) > MAX_REASON:
            raise ValueError("a reason is shorter")
        body = answers.parse(answer.content)
    except ValueError:
        return one_line(answer.reason_phrase or "no reason given", 200)
    if isinstance(body, dict):
        body = body.get("validation_errors") or body.get("detail") or body
    return one_line(body if isinstance(body, str) else json.dumps(body, ensure_ascii=False), 300)
