"""The takedown list: what it may look like, and that it is never passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from curation.errors import ReleaseError
from curation.release import read_takedown


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
