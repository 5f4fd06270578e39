"""Pseudonyms: how annotators are named outside the project.

Inside, a person is `person:ls-7`, the number Label Studio knows them by; names and e-mail addresses are never read.
Outside, that person is `person:` and ten hex digits: the HMAC-SHA256 of the inner key under the project's secret. The
secret is made once, in `work/pseudonyms.key`, and never leaves. So a person has one pseudonym in all releases of a
project, another one in every other project, and only who has the secret can tell who is who. A fingerprint of the
secret in `work/pseudonyms.check` shows when the file is lost or changed, since everyone would get a new pseudonym.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from curation.annotation import Annotation
from curation.article import Value
from curation.errors import CurationError
from curation.files import whole_file

FILE = "pseudonyms.key"
CHECK = "pseudonyms.check"
_PERSON = "person:"
_INNER = re.compile(r"person:ls-\w+")

V = TypeVar("V", bound=Value)


class Pseudonyms:
    """Inner annotator keys to outer ones, for one project."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._known: dict[str, str] = {}

    @classmethod
    def of(cls, work: Path) -> Pseudonyms:
        """Those of the project with this work folder; its secret is made if it is not there.

        Raises:
            CurationError: the secret cannot be read, or is missing or another one than before.
        """
        path, check = work / FILE, work / CHECK
        known = check.read_text(encoding="ascii", errors="replace").strip() if check.exists() else None
        way_out = "restore it from a backup"
        anew = f"{way_out}, or remove {CHECK} beside it as well: everyone then gets a new pseudonym"
        if not path.exists():
            if known is not None:
                raise CurationError(f"{path}: is missing; {anew}")
            with whole_file(path, private=True, once=True) as file:
                file.write(secrets.token_hex(32) + "\n")
        try:
            secret = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise CurationError(f"{path}: cannot be read; {way_out}") from error
        if len(secret) < 32:
            raise CurationError(f"{path}: is cut short; {way_out}")
        found = hashlib.sha256(b"pseudonyms " + secret.encode()).hexdigest()[:16]
        if known is None:
            with suppress(CurationError), whole_file(check, once=True) as file:
                file.write(found + "\n")
        elif known != found:
            raise CurationError(f"{path}: is not the secret that was used before; {anew}")
        return cls(secret)

    def key(self, key: str) -> str:
        """`person:ls-7` → `person:` and ten hex digits; the key of an engine stays as it is."""
        if not key.startswith(_PERSON):
            return key
        if key not in self._known:
            self._known[key] = _PERSON + hmac.new(self._secret, key.encode(), hashlib.sha256).hexdigest()[:10]
        return self._known[key]

    def text(self, words: str) -> str:
        """`words` with every inner key of a person in them replaced."""
        return _INNER.sub(lambda found: self.key(found.group()), words)

    def value(self, value: V) -> V:
        """A report's value with every inner key in it replaced, where the key is a field, an item or a name in it."""
        return type(value).model_validate(self._outer(value.model_dump()))

    def _outer(self, held: Any) -> Any:
        if isinstance(held, str):
            return self.key(held) if _INNER.fullmatch(held) else held
        if isinstance(held, dict):
            return {self._outer(name): self._outer(one) for name, one in held.items()}
        return [self._outer(one) for one in held] if isinstance(held, list | tuple) else held

    def annotation(self, annotation: Annotation) -> Annotation:
        """`annotation` with every person in it under their pseudonym."""
        annotator = annotation.annotator
        if annotator.kind == "person":
            name = self.key(annotator.key).removeprefix(_PERSON)
            annotator = annotator.model_copy(update={"name": name, "version": None})
        return annotation.model_copy(
            update={
                "annotator": annotator,
                "entities": tuple(map(self._item, annotation.entities)),
                "events": tuple(
                    self._item(event, arguments=tuple(map(self._item, event.arguments))) for event in annotation.events
                ),
            }
        )

    def _item(self, item: V, **update: Any) -> V:
        """An entity, event or argument with its origin under a pseudonym; the same object if nothing changes."""
        origin = getattr(item, "origin", None)
        if origin is not None and (key := self.key(origin)) != origin:
            update["origin"] = key
        return item.model_copy(update=update) if update else item
