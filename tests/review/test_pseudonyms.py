"""Pseudonyms hide who it is, stay the same, and differ from project to project."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from curation.annotation import Annotation
from curation.errors import CurationError
from curation.review.pseudonyms import Pseudonyms


def test_everyone_has_one_name_outside_in_every_place(tmp_path: Path, annotation: Annotation) -> None:
    inside = annotation.annotator.key
    first, second = annotation.entities[:2]
    event = annotation.events[0]
    marked = annotation.model_copy(
        update={
            "entities": (
                first.model_copy(update={"origin": inside}),
                second.model_copy(update={"origin": "engine:rules@1.0.0"}),
                *annotation.entities[2:],
            ),
            "events": (
                event.model_copy(
                    update={"arguments": tuple(one.model_copy(update={"origin": inside}) for one in event.arguments)}
                ),
                *annotation.events[1:],
            ),
        }
    )
    hidden = Pseudonyms.of(tmp_path).annotation(marked)
    outside = hidden.annotator.key
    assert "ls-1" not in hidden.to_json()
    assert [one.origin for one in hidden.entities] == [outside, "engine:rules@1.0.0", None, None]
    assert {one.origin for one in hidden.events[0].arguments} == {outside}
    assert hidden.id == marked.id
    assert Annotation.model_validate_json(hidden.to_json()) == hidden


def test_first_runs_at_once_share_one_secret(tmp_path: Path) -> None:
    together = threading.Barrier(8, timeout=60)

    def run(number: int) -> str:
        together.wait()
        return Pseudonyms.of(tmp_path / str(number)).key("person:ls-1")

    with ThreadPoolExecutor(8) as pool:
        for number in range(20):
            assert len(set(pool.map(run, [number] * 8))) == 1


def test_the_secret_makes_them_and_stays_in_its_file(tmp_path: Path) -> None:
    first = Pseudonyms.of(tmp_path)
    assert Pseudonyms.of(tmp_path).key("person:ls-1") == first.key("person:ls-1") != first.key("person:ls-2")
    assert Pseudonyms.of(tmp_path / "other").key("person:ls-1") != first.key("person:ls-1")
    path = tmp_path / "pseudonyms.key"
    assert path.stat().st_mode & 0o777 == 0o600
    secret = path.read_text().strip()
    assert secret not in repr(first)
    path.write_text(secret[:10])
    with pytest.raises(CurationError, match=r"pseudonyms\.key: is cut short"):
        Pseudonyms.of(tmp_path)


def test_a_secret_that_is_lost_or_another_one_is_noticed(tmp_path: Path) -> None:
    first = Pseudonyms.of(tmp_path)
    path, check = tmp_path / "pseudonyms.key", tmp_path / "pseudonyms.check"
    secret = path.read_text()
    assert secret.strip() not in check.read_text()
    path.write_text("f" + secret[1:] if secret[0] != "f" else "0" + secret[1:])
    with pytest.raises(CurationError, match=r"pseudonyms\.key: is not the secret that was used before; restore it"):
        Pseudonyms.of(tmp_path)
    path.unlink()
    with pytest.raises(CurationError, match=r"pseudonyms\.key: is missing; restore it .* remove pseudonyms\.check"):
        Pseudonyms.of(tmp_path)
    assert not path.exists()
    path.write_text(secret)
    assert Pseudonyms.of(tmp_path).key("person:ls-1") == first.key("person:ls-1")
    path.unlink()
    check.unlink()
    assert Pseudonyms.of(tmp_path).key("person:ls-1") != first.key("person:ls-1")
