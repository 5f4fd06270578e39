"""Publishing to a double of the Hub: one commit, one tag, whatever goes wrong on the way."""

from __future__ import annotations

from pathlib import Path

import pytest
from datasets import load_dataset
from hub_double import READER, WRITER, Hub, Repository
from huggingface_hub import constants, snapshot_download
from made import ABOUT, SCHEMA, corpus

from curation.errors import ReleaseError
from curation.release import build_release, load_release, publish_to_hub, verify

REPO = "gazette/made-news"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return build_release(corpus(30), SCHEMA, tmp_path / "releases", about=ABOUT).folder


def publish(folder: Path, double: Hub, version: str = "0.1.0", token: str | None = WRITER) -> str:
    return publish_to_hub(folder, REPO, version, token=token, endpoint=double.url)


def the(double: Hub) -> Repository:
    return double.repositories[REPO]


def releases(double: Hub) -> list[str]:
    return [one.title.split(" (")[0] for one in the(double).commits if one.title.startswith("Release")]


def test_one_commit_and_one_tag_hold_exactly_the_folder(folder: Path, double: Hub) -> None:
    address = publish(folder, double)
    assert address == f"{double.url}/datasets/{REPO}/tree/v0.1.0"
    assert releases(double) == ["Release v0.1.0"]
    tagged = the(double).at(the(double).tags["v0.1.0"])
    local = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {name: held for name, held in tagged.files.items() if name != ".gitattributes"} == local


def test_a_second_run_changes_nothing(folder: Path, double: Hub) -> None:
    publish(folder, double)
    before = (len(the(double).commits), dict(the(double).tags))
    double.requests.clear()
    publish(folder, double)
    assert (len(the(double).commits), dict(the(double).tags)) == before
    assert not [request for request in double.requests if not request.startswith(("GET", "HEAD"))]


@pytest.mark.parametrize("how", [500, -1])
def test_interrupted_between_commit_and_tag_it_is_finished_by_the_next_run(folder: Path, double: Hub, how: int) -> None:
    """500: the tag fails. -1: the commit is made and its answer lost."""
    double.once(r"POST .*/tag/" if how == 500 else r"POST .*/commit/main", how)
    with pytest.raises(ReleaseError, match=REPO):
        publish(folder, double)
    assert releases(double) == ["Release v0.1.0"]
    assert the(double).tags == {}
    # Somebody else commits before we come back: the tag must still name our commit.
    ours = the(double).commits[-1].oid
    the(double).commit("notes", {"NOTES.md": b"mine"})
    publish(folder, double)
    assert releases(double) == ["Release v0.1.0"]
    assert the(double).tags == {"v0.1.0": ours}


@pytest.mark.parametrize("status", [409, 412])
def test_a_commit_that_is_refused_is_tried_again(folder: Path, double: Hub, status: int) -> None:
    double.once(r"POST .*/commit/main", status)
    double.once(r"POST .*/commit/main", status)
    publish(folder, double)
    assert releases(double) == ["Release v0.1.0"]
    assert len([request for request in double.requests if "/commit/main" in request]) == 3


def test_somebody_faster_keeps_their_files(folder: Path, double: Hub) -> None:
    def faster() -> None:
        the(double).commit("faster", {"NOTES.md": b"mine", "data/old.csv": b"a,b\n"})

    double.once(r"POST .*/commit/main", faster)
    publish(folder, double)
    tagged = the(double).at("v0.1.0")
    assert tagged.files["NOTES.md"] == b"mine"
    assert tagged.files["data/old.csv"] == b"a,b\n"
    assert [one.title.split(" (")[0] for one in the(double).commits] == ["initial commit", "faster", "Release v0.1.0"]


def test_it_gives_up_where_others_never_stop(folder: Path, double: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curation.release.hub.time.sleep", lambda _: None)
    for _ in range(6):
        double.once(r"POST .*/commit/main", 412)
    with pytest.raises(ReleaseError, match="others kept changing it"):
        publish(folder, double)
    assert releases(double) == []


def test_a_tag_with_other_content_is_an_error(folder: Path, double: Hub, tmp_path: Path) -> None:
    publish(folder, double)
    other = build_release(corpus(30, seed=1), SCHEMA, tmp_path / "other", about=ABOUT).folder
    with pytest.raises(ReleaseError, match=r"v0\.1\.0 is there with other content"):
        publish(other, double)
    assert releases(double) == ["Release v0.1.0"]


def test_a_branch_of_the_tag_s_name_is_an_error(folder: Path, double: Hub) -> None:
    double.repositories[REPO] = Repository()
    the(double).commit("first", {})
    the(double).branches["v0.1.0"] = the(double).branches["main"]
    with pytest.raises(ReleaseError, match=r"a branch is named v0\.1\.0"):
        publish(folder, double)


def test_a_card_of_somebody_else_s_dataset_is_not_overwritten(folder: Path, double: Hub) -> None:
    double.repositories[REPO] = Repository()
    the(double).commit("theirs", {"README.md": b"---\nconfigs:\n- config_name: poems\n---\n# Poems\n"})
    with pytest.raises(ReleaseError, match="poems"):
        publish(folder, double)
    assert len(the(double).commits) == 1
    # The card that the Hub's own form makes describes no configs, and may go.
    the(double).commit("form", {"README.md": b"---\nlicense: mit\n---\n"})
    publish(folder, double)
    assert the(double).at("v0.1.0").files["README.md"] == (folder / "README.md").read_bytes()


def test_a_failure_of_xet_is_one_line(folder: Path, double: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("Data processing error: CAS service error\n  Network error: reqwest")

    monkeypatch.setattr("curation.release.hub.HfApi.create_commit", fails)
    with pytest.raises(ReleaseError, match=r"the upload failed \(Data processing error.*HF_HUB_DISABLE_XET=1"):
        publish(folder, double)


def edit(double: Hub, old: str, new: str) -> None:
    """Edit the card on the Hub by hand."""
    card = the(double).at("main").files["README.md"].decode()
    assert old in card
    the(double).commit("Update README.md", {"README.md": card.replace(old, new, 1).encode()})


def test_sections_and_keys_of_others_stay_on_the_card(folder: Path, double: Hub, tmp_path: Path) -> None:
    publish(folder, double)
    edit(double, "pretty_name:", "doi: 10.1/made\npretty_name:")
    edit(double, "## Roles\n", "## Roles\n\nRead them first.\n")
    edit(double, "## Splits\n", "## Who uses it\n\nThe gazette.\n\n```\n## no heading\n```\n\n## Splits\n")
    for version, count in (("0.2.0", 40), ("0.3.0", 50)):
        before = tmp_path / "releases" / ("v0.1.0" if version == "0.2.0" else "v0.2.0")
        made = build_release(corpus(count), SCHEMA, tmp_path / "releases", about=ABOUT, previous=before)
        # The second time the run is cut off before the edits are put back, and the next run does that.
        if version == "0.3.0":
            double.once(r"POST .*/tag/", 500)
            with pytest.raises(ReleaseError):
                publish(made.folder, double, version=version)
        publish(made.folder, double, version=version)
        publish(made.folder, double, version=version)
        ours = (made.folder / "README.md").read_bytes()
        assert the(double).at(f"v{version}").files["README.md"] == ours
        card = the(double).at("main").files["README.md"].decode()
        assert f"Version **{version}**" in card
        assert "doi: 10.1/made\n" in card
        assert "## Roles\n\nRead them first.\n" in card
        assert "The gazette.\n\n```\n## no heading\n```\n\n## Splits\n" in card
        assert load_release(REPO, version, endpoint=double.url)["train"].num_rows > 0
    assert len([one for one in the(double).commits if one.title.startswith("Card of")]) == 2


def test_a_part_of_the_card_that_both_sides_changed_is_refused(folder: Path, double: Hub, tmp_path: Path) -> None:
    publish(folder, double)
    edit(double, "## Citation\n", "## Citation\n\nCite us.\n")
    second = build_release(corpus(40), SCHEMA, tmp_path / "releases", about=ABOUT, previous=folder).folder
    before = len(the(double).commits)
    with pytest.raises(ReleaseError, match=r"README\.md was edited on the Hub.*section 'Citation'") as caught:
        publish(second, double, version="0.2.0")
    assert "\n" not in str(caught.value)
    assert "  +Cite us." in caught.value.details
    assert len(the(double).commits) == before
    edit(double, "\nCite us.\n", "")
    publish(second, double, version="0.2.0")
    assert the(double).at("main").files["README.md"] == (second / "README.md").read_bytes()


def test_a_section_that_was_written_before_the_first_release_stays(folder: Path, double: Hub) -> None:
    double.repositories[REPO] = Repository()
    the(double).commit("form", {"README.md": b"---\nlicense: mit\ndoi: 10.1/made\n---\n\n## Thanks\n\nTo all.\n"})
    publish(folder, double)
    card = the(double).at("main").files["README.md"].decode()
    assert "## Thanks\n\nTo all.\n" in card
    assert "doi: 10.1/made\n" in card
    assert the(double).at("v0.1.0").files["README.md"] == (folder / "README.md").read_bytes()


@pytest.mark.parametrize(
    ("token", "said"),
    [(READER, "write access"), ("wrong", "HF_TOKEN")],
)
def test_a_token_that_does_not_do_is_one_line_without_the_token(
    folder: Path, double: Hub, token: str, said: str
) -> None:
    with pytest.raises(ReleaseError) as caught:
        publish(folder, double, token=token)
    assert said in str(caught.value)
    assert token not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_repository_one_may_not_write_to_is_one_line_and_stays_as_it_is(folder: Path, double: Hub) -> None:
    double.repositories[REPO] = Repository()
    the(double).commit("theirs", {"README.md": b"# Theirs\n"})
    before = [one.oid for one in the(double).commits]
    with pytest.raises(
        ReleaseError, match=rf"^{REPO}: the token may not do that; take one with write access"
    ) as caught:
        publish(folder, double, token=READER)
    assert "\n" not in str(caught.value)
    assert [one.oid for one in the(double).commits] == before
    assert the(double).tags == {}
    assert double.objects == {}


def test_a_hub_that_does_not_answer_is_one_line(folder: Path, double: Hub) -> None:
    with pytest.raises(ReleaseError, match="cannot be reached"):
        publish_to_hub(folder, REPO, "0.1.0", token=WRITER, endpoint="http://127.0.0.1:9")
    double.once(r"GET .*", 503)
    with pytest.raises(ReleaseError, match="answered 503"):
        publish(folder, double)
    with pytest.raises(ReleaseError, match="no name of a repository"):
        publish_to_hub(folder, "a b/c", "0.1.0", token=WRITER, endpoint=double.url)


def test_a_folder_that_was_changed_is_not_published(folder: Path, double: Hub) -> None:
    with pytest.raises(ReleaseError, match="holds version"):
        publish(folder, double, version="0.2.0")
    (folder / "LICENSE").write_text("mine")
    with pytest.raises(ReleaseError, match="LICENSE"):
        publish(folder, double)
    assert REPO not in double.repositories


def test_each_version_loads_from_the_hub_as_it_was(
    folder: Path, double: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(folder, double)
    second = build_release(corpus(40), SCHEMA, tmp_path / "releases", about=ABOUT, previous=folder)
    assert second.version == "0.2.0"
    publish(second.folder, double, version="0.2.0")

    def ids(version: str) -> list[str]:
        return sorted(one for split in load_release(REPO, version, endpoint=double.url).values() for one in split["id"])

    assert len(ids("0.1.0")) == 30
    assert len(ids("0.2.0")) == 40
    with pytest.raises(ReleaseError, match=r"no version 0\.3\.0 there; there are 0\.1\.0, 0\.2\.0"):
        load_release(REPO, "0.3.0", endpoint=double.url)
    with pytest.raises(ReleaseError, match="no such repository"):
        load_release("gazette/nothing", "0.1.0", endpoint=double.url)

    # Without this software, and what was downloaded is whole.
    plain = Path(snapshot_download(REPO, repo_type="dataset", revision="v0.1.0", endpoint=double.url))
    assert verify(plain) == []
    assert load_dataset(str(plain), "documents")["train"].num_rows == load_release(folder, "0.1.0")["train"].num_rows

    # Offline it is the same version, or an error: never another one's rows.
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert len(ids("0.1.0")) == 30
    with pytest.raises(ReleaseError, match=r"not in the cache.*0\.1\.0, 0\.2\.0"):
        load_release(REPO, "0.3.0", endpoint=double.url)


@pytest.mark.parametrize("name", ["manifest.json", "documents/train.parquet", "README.md"])
def test_a_bit_that_was_flipped_in_the_cache_is_found(
    folder: Path, double: Hub, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(folder, double)
    load_release(REPO, "0.1.0", endpoint=double.url)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    (cached,) = Path(constants.HF_HUB_CACHE).glob(f"datasets--*/snapshots/*/{name}")
    held = bytearray(cached.read_bytes())
    held[len(held) // 2] ^= 1
    cached.resolve().write_bytes(held)
    with pytest.raises(ReleaseError) as caught:
        load_release(REPO, "0.1.0", endpoint=double.url)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_branch_that_stands_before_the_tag_is_noticed(folder: Path, double: Hub, tmp_path: Path) -> None:
    publish(folder, double)
    second = build_release(corpus(40), SCHEMA, tmp_path / "releases", about=ABOUT, previous=folder)
    publish(second.folder, double, version="0.2.0")
    the(double).branches["v0.1.0"] = the(double).tags["v0.2.0"]
    with pytest.raises(ReleaseError, match=r"a branch named v0\.1\.0"):
        load_release(REPO, "0.1.0", endpoint=double.url)
