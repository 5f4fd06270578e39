"""Article files by address: each is there while it is read, and none lands outside the folder made for it."""

from __future__ import annotations

from pathlib import Path

import fsspec
import pytest

from curation.errors import BadInput
from curation.formats.articles import good_articles


def test_a_folder_with_its_table() -> None:
    store = fsspec.filesystem("memory")
    store.pipe("/wire/kel-1.txt", b"Kelmar shelled Torvan.\n")
    store.pipe("/wire/metadata.csv", b"file_name,id,title\nkel-1.txt,k1,Shelling\n")
    (article,) = good_articles(["memory://wire"])
    assert (article.id, article.title, article.text) == ("k1", "Shelling", "Kelmar shelled Torvan.\n")


def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    store = fsspec.filesystem("memory")
    target = tmp_path / "planted.txt"
    store.pipe(f"/bad/../../../../../..{target}", b"planted\n")
    with pytest.raises(BadInput, match="leads out of its folder"):
        list(good_articles(["memory://bad"]))
    assert not target.exists()
