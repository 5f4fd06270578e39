"""Publish a release folder to the Hugging Face Hub: one commit, then one tag that never moves."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)

from curation.errors import ReleaseError, one_line
from curation.release.card_edits import CardConflict, front_matter, merge
from curation.release.manifest import CARD, MANIFEST, Manifest, differing
from curation.release.rows import CONFIGS

_TRIES = 6


def publish_to_hub(
    folder: Path,
    repo: str,
    version: str,
    *,
    token: str | None,
    endpoint: str | None = None,
    private: bool | None = None,
) -> str:
    """Publish the release in `folder` as `vX.Y.Z` of the dataset repository `repo` (`ORG/NAME`).

    The repository is made if it is not there. All files go in one commit, on top of whatever is there; files of
    others stay. Run again, it finishes what an earlier run began, and does nothing where that was all.

    The tag has exactly the files of `folder`. Where the card on the Hub was edited by hand, a second commit on the main
    branch puts the edits into the new card.

    Args:
        folder: one release, as `build_release` makes it.
        repo: the dataset repository.
        version: the version in `folder`; the tag is `vX.Y.Z`.
        token: one that may write; None: what the Hub's own client finds (HF_TOKEN, or a login).
        endpoint: address of the Hub; default HF_ENDPOINT, or the public one.
        private: whether a repository that is made new is private; None: as its owner has set.

    Returns:
        The address of the tag.

    Raises:
        ReleaseError: the folder is not what its manifest says, the tag is there with other content, the repository
            holds a dataset that is not ours, the card there was edited where this release changes it too, the token
            does not do, or the Hub cannot be reached.
    """
    manifest = Manifest.read(folder)
    if manifest.version != version:
        raise ReleaseError(f"{folder} holds version {manifest.version}, not {version}; name the folder of {version}")
    if wrong := differing(folder, manifest):
        raise ReleaseError(f"{folder}: {wrong[0]}; build the release again")
    api = HfApi(endpoint=endpoint, token=token)
    with hub_errors(repo):
        try:
            api.repo_info(repo, repo_type="dataset")
        except RepositoryNotFoundError:
            api.create_repo(repo, repo_type="dataset", private=private, exist_ok=True)
        address = f"{api.endpoint}/datasets/{repo}/tree/v{version}"
        if not _tagged(api, repo, manifest):
            _tag(api, repo, manifest, _committed(api, repo, manifest) or _commit(api, folder, repo, manifest))
        _keep_edits(api, repo)
    return address


@contextmanager
def hub_errors(repo: str) -> Iterator[None]:
    """Turn what the Hub's client raises into a ReleaseError of one line, without tokens."""
    try:
        yield
    except HFValidationError as error:
        raise ReleaseError(f"{repo}: is no name of a repository; give one such as ORG/NAME") from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        reason = {
            401: "the Hub does not know the token, or wants one; set HF_TOKEN to a valid one",
            403: "the token may not do that; take one with write access to this repository",
            404: "there is no such repository, or the token may not see it; check the name and the token",
        }.get(status, f"the Hub answered {status}; try again later")
        if isinstance(error, RepositoryNotFoundError) and status == 401:
            reason = "there is no such repository, or the token may not see it; check the name and HF_TOKEN"
        raise ReleaseError(f"{repo}: {reason}") from error
    except OfflineModeIsEnabled as error:
        raise ReleaseError(f"{repo}: the Hub's client is set to be offline; unset HF_HUB_OFFLINE") from error
    except httpx2.HTTPError as error:
        reason = type(error).__name__
        raise ReleaseError(
            f"{repo}: the Hub cannot be reached ({reason}); check the network and HF_ENDPOINT"
        ) from error


def _tagged(api: HfApi, repo: str, manifest: Manifest) -> bool:
    """Whether the tag is there with this very content. Raises ReleaseError where its content is another."""
    tag = f"v{manifest.version}"
    refs = api.list_repo_refs(repo, repo_type="dataset")
    if any(ref.name == tag for ref in refs.branches):
        raise ReleaseError(f"{repo}: a branch is named {tag} and would hide the tag; remove it there")
    found = [ref.target_commit for ref in refs.tags if ref.name == tag]
    if found and _logical(api, repo, found[0]) != manifest.logical_sha256:
        raise ReleaseError(
            f"{repo}: {tag} is there with other content, and a release never changes; take the next version"
        )
    return bool(found)


def _committed(api: HfApi, repo: str, manifest: Manifest) -> str | None:
    """The commit that an earlier run made for this release, if it was interrupted before the tag."""
    for commit in api.list_repo_commits(repo, repo_type="dataset"):
        if commit.title == _title(manifest) and _logical(api, repo, commit.commit_id) == manifest.logical_sha256:
            return commit.commit_id
    return None


def _commit(api: HfApi, folder: Path, repo: str, manifest: Manifest) -> str:
    """Commit every file at once on top of the head that was looked at; anew where somebody else was faster."""
    for attempt in range(_TRIES):
        _keep_edits(api, repo)
        head = api.repo_info(repo, repo_type="dataset", revision="main").sha
        _ours(api, repo, head)
        try:
            _edited_card(api, repo, head, (folder / CARD).read_text(encoding="utf-8"))
        except CardConflict as conflict:
            raise _refusal(repo, conflict) from conflict
        try:
            commit = api.create_commit(
                repo,
                operations=[
                    CommitOperationAdd(path_in_repo=name, path_or_fileobj=str(folder / name)) for name in manifest.paths
                ],
                commit_message=_title(manifest),
                repo_type="dataset",
                parent_commit=head,
            )
        except HfHubHTTPError as error:
            if error.response.status_code not in (409, 412):
                raise
            if done := _committed(api, repo, manifest):
                return done
            time.sleep(min(8.0, 0.25 * 2**attempt))
            continue
        except (httpx2.HTTPError, OfflineModeIsEnabled):
            raise
        except (
            RuntimeError,
            OSError,
        ) as error:  # of hf_xet, which uploads large files
            if getattr(error, "strerror", None):
                raise
            raise ReleaseError(
                f"{repo}: the upload failed ({one_line(str(error), 200)}); run again, or with HF_HUB_DISABLE_XET=1 to "
                "upload without Xet"
            ) from error
        there = {
            entry.path for entry in api.list_repo_tree(repo, repo_type="dataset", revision=commit.oid, recursive=True)
        }
        if missing := [name for name in manifest.paths if name not in there]:
            raise ReleaseError(f"{repo}: {missing[0]} did not arrive; is it in the repository's .gitignore?")
        return commit.oid
    raise ReleaseError(f"{repo}: others kept changing it at the same time; nothing was published, run again")


def _tag(api: HfApi, repo: str, manifest: Manifest, commit: str) -> None:
    try:
        api.create_tag(repo, tag=f"v{manifest.version}", revision=commit, repo_type="dataset")
    except HfHubHTTPError as error:
        # Somebody else may have set it in the meantime: well and good if to the same content.
        if error.response.status_code != 409 or not _tagged(api, repo, manifest):
            raise


def _ours(api: HfApi, repo: str, head: str | None) -> None:
    """Refuse a repository whose card describes configs that no release of ours made: it would be overwritten."""
    text = _card(api, repo, head)
    configs = (front_matter(text or "") or {}).get("configs")
    names = {str(config.get("config_name")) for config in configs or () if isinstance(config, dict)}
    if foreign := sorted(names.difference(CONFIGS)):
        raise ReleaseError(
            f"{repo}: its {CARD} describes configs that are not of this dataset ({', '.join(foreign)}), "
            "which publishing would wipe out; take another repository"
        )


def _keep_edits(api: HfApi, repo: str) -> None:
    """Put edits of the card that the last release replaced into its card on the main branch, unless that is done."""
    for attempt in range(_TRIES):
        commits = api.list_repo_commits(repo, repo_type="dataset")
        place = next((place for place, commit in enumerate(commits) if _is_release(commit.title)), None)
        if place is None or place + 1 == len(commits):
            return
        release = commits[place]
        title = f"Card of {release.title.partition(' (')[0].removeprefix('Release ')}, with edits made on the Hub"
        ours = _card(api, repo, release.commit_id)
        if ours is None or any(commit.title == title for commit in commits[:place]):
            return
        try:
            merged = _edited_card(api, repo, commits[place + 1].commit_id, ours)
            if merged == ours:
                return
            merged = merge(ours, _card(api, repo, commits[0].commit_id) or "", merged)  # it may be edited again already
        except CardConflict:  # in the history, by an earlier version of this software: the card of today counts
            return
        try:
            api.create_commit(
                repo,
                operations=[CommitOperationAdd(path_in_repo=CARD, path_or_fileobj=merged.encode())],
                commit_message=title,
                repo_type="dataset",
                parent_commit=commits[0].commit_id,
            )
        except HfHubHTTPError as error:
            if error.response.status_code not in (409, 412):
                raise
            time.sleep(min(8.0, 0.25 * 2**attempt))
            continue
        return
    raise ReleaseError(f"{repo}: others kept changing it at the same time; edits of its {CARD} are missing, run again")


def _edited_card(api: HfApi, repo: str, head: str | None, ours: str) -> str:
    """The card `ours` with what was edited by hand at the commit `head`, since the release before it.

    Raises CardConflict where both sides changed the same part.
    """
    theirs = _card(api, repo, head)
    if theirs is None:
        return ours
    commits = api.list_repo_commits(repo, repo_type="dataset", revision=head)
    place = next((number for number, commit in enumerate(commits) if commit.commit_id == head), 0)
    last = next((commit.commit_id for commit in commits[place:] if _is_release(commit.title)), None)
    return merge(_card(api, repo, last) if last else None, theirs, ours)


def _refusal(repo: str, conflict: CardConflict) -> ReleaseError:
    error = ReleaseError(
        f"{repo}: its {CARD} was edited on the Hub where this release changes it too: {conflict}; undo the edit there, "
        "and state it in [release] of curation.toml or in a section of its own"
    )
    error.details = conflict.details
    return error


def _card(api: HfApi, repo: str, revision: str | None) -> str | None:
    """The card at a revision; None where there is none."""
    try:
        path = Path(api.hf_hub_download(repo, CARD, repo_type="dataset", revision=revision))
    except EntryNotFoundError:
        return None
    return path.read_text(encoding="utf-8", errors="replace")


def _logical(api: HfApi, repo: str, revision: str) -> str | None:
    """The logical hash that the manifest at a revision states; None where there is no manifest of ours."""
    try:
        path = Path(api.hf_hub_download(repo, MANIFEST, repo_type="dataset", revision=revision))
        found = json.loads(path.read_bytes()).get("logical_sha256")
    except (EntryNotFoundError, ValueError, AttributeError):
        return None
    return found if isinstance(found, str) else None


def _is_release(title: str) -> bool:
    return title.startswith("Release v")


def _title(manifest: Manifest) -> str:
    return f"Release v{manifest.version} ({manifest.logical_sha256[:12]})"
