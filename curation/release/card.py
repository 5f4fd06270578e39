"""The dataset card, the licence note and the changelog of a release.

Whatever comes from articles, the label schema or settings is escaped: it can be read, but is neither Markdown, HTML
nor YAML of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pydantic import Field

from curation.article import Value
from curation.errors import one_line
from curation.metrics.rounding import decimal, percent
from curation.release.counts import BIN
from curation.release.features import features
from curation.release.manifest import Counts, Manifest
from curation.release.rows import DOCUMENTS, InvalidArticle, Labels
from curation.release.sentences import LOSSES
from curation.release.splits import SPLITS
from curation.schema import EVENT, LabelSchema
from curation.svg import bars

PLOTS = {
    "plots/labels.svg": "Entities and events by type",
    "plots/lengths.svg": "Articles by length in characters",
    "plots/timeline.svg": "Articles by the time of publication",
}
"""File → title."""
_BARS = 40
"""Most bars in one plot."""

# Licences that the Hub knows by name, of those that texts usually come under.
_LICENCES = re.compile(
    r"^(apache-2\.0|mit|unlicense|cc0-1\.0|cc-by(-nc)?(-nd|-sa)?-[234]\.0|odbl|odc-by|pddl|etalab-2\.0|gfdl)$"
)
_LANGUAGE = re.compile(r"^[a-z]{2,3}(?=$|[-_])")
_SPECIAL = re.compile(r"([\\`*_{}\[\]|~$#])|(?<=\bwww)(?=\.)|(?=://)")
_LEADING = re.compile(r"^(\d*)(?=[-+=.):])")
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
_CREATORS = {"person": "expert-generated", "engine": "machine-generated"}
_MOST = 50
"""Longest list of sources, licences or annotators on a card."""


class Audit(Value):
    """Blind work beside assisted work. `rows`: measure, blind, assisted, difference; `words`: remarks."""

    rows: tuple[tuple[str, str, str, str], ...]
    words: tuple[str, ...]


class About(Value):
    """What the card states beyond the articles and the label schema.

    `licence` is that of the annotations; the articles' own are listed beside it. `snapshots` names the pulls that
    the annotations came from, `hub` the repository (`ORG/NAME`) where the release is to be found, if it is known.
    `anchoring` is what blind work beside assisted work shows, where some articles were annotated blind.
    `undecided` counts the articles on which people differ; some may be in the release as the one before had them.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    title: str = Field(min_length=1, max_length=200)
    description: str | None = Field(default=None, max_length=5000)
    licence: str | None = Field(default=None, max_length=200)
    citation: str | None = Field(default=None, max_length=5000)
    contact: str | None = Field(default=None, max_length=200)
    limits: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    hub: str | None = Field(default=None, pattern=r"^[\w.-]+/[\w.-]+$")
    anchoring: Audit | None = None
    undecided: int = Field(default=0, ge=0)


class SplitSize(Value):
    """Rows of one split of one config, their bytes before compression, and those of the file."""

    rows: int
    bytes: int
    download: int


def card(
    manifest: Manifest,
    schema: LabelSchema,
    labels: Labels,
    about: About,
    sizes: Mapping[str, Mapping[str, SplitSize]],
    invalid: Sequence[InvalidArticle] = (),
) -> str:
    """The README.md of a release: front matter that `load_dataset` and the Hub read, then the card.

    `sizes` are those of each config and split, `invalid` the articles that were set aside because they are not valid.
    """
    counts = manifest.counts
    origins = {kind: _shares(found) for kind, found in counts.origins.items()}
    labelled = (
        ("Entity types", counts.entities, schema.entity_types),
        ("Event types", counts.events, schema.event_types),
    )
    template = _environment().get_template("card.md.jinja")
    page = template.render(
        front=Markup(front_matter(manifest, schema, labels, about, sizes)),
        about=about,
        manifest=manifest,
        schema=schema,
        labels=labels,
        splits=SPLITS,
        where=about.hub or "ORG/NAME",
        description=about.description or schema.description,
        labelled=labelled,
        groups=_groups(schema),
        origins=origins,
        annotators=_most(counts.annotators),
        chosen={key: count for key, count in counts.chosen.items() if key},
        licences=_most(counts.licences),
        sources=_most(counts.sources),
        licence=_licence(about),
        lost=[(words, counts.lost[name]) for name, words in LOSSES.items() if counts.lost.get(name)],
        sentences=sum(counts.rows["sentences"].values()),
        changed=_changed(manifest),
        plots={name: PLOTS[name] for name in plots(counts)},
        leakage=_leakage(manifest),
        limits=(*_limits(manifest), *about.limits),
        versions=(*manifest.history, manifest.as_earlier)[::-1],
        invalid=len(invalid),
        invalid_kept=sum(article.kept for article in invalid),
    )
    return page.rstrip() + "\n"


def front_matter(
    manifest: Manifest,
    schema: LabelSchema,
    labels: Labels,
    about: About,
    sizes: Mapping[str, Mapping[str, SplitSize]],
) -> str:
    """The YAML at the head of the card. Empty splits and configs are left out: `datasets` refuses to load them."""
    full = {config: {split: size for split, size in of.items() if size.rows} for config, of in sizes.items()}
    full = {config: of for config, of in full.items() if of}
    counts = manifest.counts
    languages = _languages(counts.languages, schema.language)
    ids = sorted({licence.lower() for licence in (*counts.licences, about.licence or "") if licence})
    known = [licence for licence in ids if _LICENCES.match(licence)]
    kinds = {key.partition(":")[0] for key in counts.annotators}
    creators = [name for kind, name in _CREATORS.items() if kind in kinds]
    articles = counts.total("articles")
    front: dict[str, Any] = {
        "pretty_name": one_line(about.title, 200),
        "language": languages,
        "license": known if ids and known == ids else [*known, "other"] if ids else "unknown",
        "annotations_creators": creators,
        "language_creators": ["found"],
        "multilinguality": ["multilingual" if len(languages) > 1 else "monolingual"],
        "size_categories": [next((name for limit, name in _SIZES if articles < limit), "10M<n<100M")],
        "source_datasets": ["original"],
        "task_categories": ["token-classification"],
        "task_ids": ["named-entity-recognition"],
        "tags": ["event-extraction", "information-extraction", *(one_line(tag, 60) for tag in about.tags)],
        "version": manifest.version,
        "configs": [
            {
                "config_name": config,
                **({"default": True} if config == DOCUMENTS else {}),
                "data_files": [{"split": split, "path": f"{config}/{split}.parquet"} for split in of],
            }
            for config, of in full.items()
        ],
        "dataset_info": [
            {
                "config_name": config,
                "features": features(config, labels)._to_yaml_list(),
                "splits": [
                    {"name": split, "num_bytes": size.bytes, "num_examples": size.rows} for split, size in of.items()
                ],
                "download_size": sum(size.download for size in sizes[config].values()),
                "dataset_size": sum(size.bytes for size in of.values()),
            }
            for config, of in full.items()
        ],
    }
    return yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=100)


def licence_note(manifest: Manifest, about: About) -> str:
    """The LICENSE file: whose terms hold for what."""
    lines = [
        f"{one_line(about.title)}, version {manifest.version}",
        "",
        f"The annotations: {one_line(about.licence) if about.licence else 'no licence is stated.'}",
        "",
        "The articles keep the licence they came with, which the column `licence` gives for each of them:",
        "",
        *(f"- {one_line(name) or 'not stated'}: {count} articles" for name, count in _most(manifest.counts.licences)),
    ]
    return "\n".join(lines) + "\n"


def changelog(manifest: Manifest, before: str | None, listed: Collection[str] = ()) -> str:
    """CHANGELOG.md: the changes of this version, followed by `before`, the changelog of the last release.

    Withdrawn articles are listed, except those that earlier versions have `listed`.
    """
    lines = ["# Changelog", "", f"## {manifest.version}", ""]
    if manifest.changes is None:
        lines += [f"First release: {manifest.counts.total('articles')} articles.", ""]
    else:
        lines += [f"- {escape(reason)}" for reason in manifest.reasons] or ["- No change in content."]
        lines.append("")
        for title, held in (
            ("Entities", manifest.changes.entities),
            ("Events", manifest.changes.events),
            ("Arguments", manifest.changes.arguments),
        ):
            if held:
                lines += [f"| {title} | added | removed | changed |", "| --- | ---: | ---: | ---: |"]
                lines += [
                    f"| {escape(name)} | {items.added} | {items.removed} | {items.changed} |"
                    for name, items in held.items()
                ]
                lines.append("")
    if withdrawn := {article: why for article, why in manifest.selection.withdrawn.items() if article not in listed}:
        lines += ["Withdrawn, here and in all later versions; please delete them from your copies of earlier ones:", ""]
        lines += [f"- {escape(article)}" + (f": {escape(why)}" if why else "") for article, why in withdrawn.items()]
        lines.append("")
    if manifest.splits.set_aside:
        aside = len(manifest.splits.set_aside)
        lines += [f"Set aside because they resemble articles of different splits: {aside}.", ""]
    lines += [f"Content: `{manifest.logical_sha256}`", ""]
    earlier = (before or "").removeprefix("# Changelog\n\n")
    return "\n".join(lines) + (f"\n{earlier}" if earlier else "")


def plots(counts: Counts) -> dict[str, str]:
    """File → SVG; a plot without any count is left out."""
    labels = {
        name: sum(by_split.values()) for held in (counts.entities, counts.events) for name, by_split in held.items()
    }
    ranked = sorted(labels.items(), key=lambda item: (-item[1], item[0]))[:_BARS]
    lengths = [(f"{start:,}–{start + BIN - 1:,}", count) for start, count in _bins(counts.lengths)]
    rows = dict(zip(PLOTS, (ranked, lengths, _times(counts.timeline)), strict=True))
    return {name: bars(PLOTS[name], rows[name]).file() for name in PLOTS if any(count for _, count in rows[name])}


def escape(text: str) -> Markup:
    """Untrusted text as one line of Markdown that shows it as it is, in a table cell too."""
    line = _SPECIAL.sub(r"\\\1", one_line(text, 5000))
    return Markup(line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def block(text: str) -> Markup:
    """As `escape`, for text that begins a line: no list, heading or rule of its own."""
    return Markup(_LEADING.sub(r"\1\\", escape(text)))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("curation.release", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # this is Markdown: `finalize` escapes every value
        finalize=lambda value: escape(value) if isinstance(value, str) and not isinstance(value, Markup) else value,
    )
    environment.filters["block"] = block
    environment.filters["decimal"] = decimal
    environment.filters["code"] = lambda name: Markup(re.sub(r"[^\w.@/-]", "", str(name)))
    return environment


def _groups(schema: LabelSchema) -> dict[str, tuple[str, ...]]:
    """The fillers of roles that are no type, groups and `Event`, with their members."""
    fillers = {name for event in schema.event_types for role in event.roles for name in role.fillers}
    groups = {name: members for name, members in schema.groups.items() if name in fillers}
    if EVENT in fillers.union(*groups.values()):
        groups[EVENT] = ("every event type",)
    return groups


def _shares(found: Mapping[str, int]) -> dict[str, int]:
    shares: Counter[str] = Counter(engine=0, person=0, unknown=0)
    for origin, count in found.items():
        kind = origin.partition(":")[0]
        shares[kind if kind in ("engine", "person") else "unknown"] += count
    return dict(shares)


def _most(found: Mapping[str, int]) -> list[tuple[str, int]]:
    """The most frequent first, the rest as one line."""
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    if len(ranked) <= _MOST:
        return ranked
    return [*ranked[:_MOST], (f"{len(ranked) - _MOST} others", sum(count for _, count in ranked[_MOST:]))]


def _languages(found: Iterable[str], default: str) -> list[str]:
    codes = {match.group() for language in found if (match := _LANGUAGE.match(language.lower()))}
    return sorted(codes) or [default]


def _licence(about: About) -> str:
    stated = f"The annotations are under {about.licence}." if about.licence else "No licence is stated for them."
    return f"{stated} Each article keeps the licence it came with, in the column licence."


def _leakage(manifest: Manifest) -> str:
    facts = manifest.splits
    if facts.leakage is None:
        return f"No two articles of different splits were found that share {facts.leakage_floor:.0%} or more of theirs."
    return f"The most alike two articles of different splits share {facts.leakage:.1%} of theirs."


def _changed(manifest: Manifest) -> list[tuple[str, int, int, str, str]]:
    """Of each kind of item: predicted, after correction, share of the predicted that was kept, share that was added."""
    found = []
    for item, changes in manifest.counts.corrections.items():
        added = changes.get("added", 0)
        predicted = sum(changes.values()) - added
        corrected = predicted - changes.get("removed", 0) + added
        kept = f"{percent(changes.get('kept', 0) / predicted)}%" if predicted else "–"
        found.append((item, predicted, corrected, kept, f"{added / corrected:.0%}" if corrected else "–"))
    return found


def _limits(manifest: Manifest) -> Iterable[str]:
    counts = manifest.counts
    alone = counts.states.get("predicted", 0)
    if alone:
        yield (
            f"{alone} articles were annotated by an engine alone, and nobody has looked at them: their state is "
            "predicted, and their annotator is the engine."
        )
    if manifest.selection.licences:
        yield f"Only articles under {', '.join(manifest.selection.licences)} are in it."
    decides = "a hash decides" if manifest.splits.by == "hash" else "the time of publication decides"
    for split in SPLITS:
        if not counts.articles.get(split):
            yield (
                f"The {split} split is empty: {decides}, and {counts.total('articles')} articles are few. "
                f"load_dataset does not show it, load_release shows it with no rows."
            )
    aside = len(manifest.splits.set_aside)
    if aside:
        yield f"{aside} articles were set aside because they resemble articles of different splits."
    if manifest.splits.largest_cluster > max(10, counts.total("articles") // 20):
        yield f"{manifest.splits.largest_cluster} articles form one cluster of near-duplicates, all in one split."
    yield "Spans are contiguous; a mention in several pieces is marked by one of them."
    yield "An item left as an engine made it was seen by a person, which is not the same as made by one."


def _bins(lengths: Mapping[str, int]) -> list[tuple[int, int]]:
    """Every bin up to the longest article; the last bar holds everything beyond it."""
    held = {int(start): count for start, count in lengths.items()}
    last = min(max(held, default=0), BIN * (_BARS - 1))
    found = [(start, held.get(start, 0)) for start in range(0, last, BIN)]
    return [*found, (last, sum(count for start, count in held.items() if start >= last))]


def _times(timeline: Mapping[str, int]) -> list[tuple[str, int]]:
    """Months in order; years where there are too many months."""
    if len(timeline) <= _BARS:
        return sorted(timeline.items())
    years: dict[str, int] = {}
    for month, count in timeline.items():
        years[month[:-3]] = years.get(month[:-3], 0) + count
    return sorted(years.items())[-_BARS:]
