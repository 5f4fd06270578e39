"""The takedown list, and new fields in the files that describe a release."""

from __future__ import annotations

from pathlib import Path

import pytest
from made import ABOUT, SCHEMA, corpus

from curation.article import added_field
from curation.errors import ReleaseError
from curation.release import build_release, read_takedown, verify
from curation.release.manifest import Manifest
from curation.release.rows import Labels


def test_ids_with_and_without_reasons(tmp_path: Path) -> None:
    path = tmp_path / "takedown.txt"
    path.write_text("\ufeff# asked in spring\n\nkel-1\n  kel-2   the  source asked \nkel-3\tlicence\nkel#4\n")
    assert read_takedown(path) == {"kel-1": None, "kel-2": "the source asked", "kel-3": "licence", "kel#4": None}


def test_a_list_that_cannot_be_read_stops_everything(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.txt", tmp_path):
        with pytest.raises(ReleaseError, match="cannot be read as a takedown list"):
            read_takedown(path)
    (tmp_path / "wide.txt").write_bytes("kel-1".encode("utf-16"))
    with pytest.raises(ReleaseError, match="UTF-8"):
        read_takedown(tmp_path / "wide.txt")


def test_a_new_optional_field_does_not_move_the_logical_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifest is not hashed; the label lists are, except `added_field`s at their default."""

    class LaterLabels(Labels):
        aliases: dict[str, str] = added_field({})

    class LaterManifest(Manifest):
        funder: str | None = added_field(None)

    hashed = [name for name, field in Labels.model_fields.items() if field.exclude_if is None]
    assert hashed == ["entity_types", "event_types", "roles", "entity_attributes", "event_attributes"]
    before = build_release(corpus(5), SCHEMA, tmp_path / "before", about=ABOUT)
    for module in ("build", "manifest"):
        monkeypatch.setattr(f"curation.release.{module}.Labels", LaterLabels)
        monkeypatch.setattr(f"curation.release.{module}.Manifest", LaterManifest)
    now = build_release(corpus(5), SCHEMA, tmp_path / "now", about=ABOUT)
    assert now.logical_sha256 == before.logical_sha256
    assert (now.folder / "manifest.json").read_bytes() == (before.folder / "manifest.json").read_bytes()
    assert verify(before.folder, content=True) == []
