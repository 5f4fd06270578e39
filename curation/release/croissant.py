"""`croissant.json`: the release described for tools that read Croissant 1.0 (JSON-LD), where the Hub does not do it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from datasets import ClassLabel, List

from curation.errors import one_line
from curation.release.card import About
from curation.release.features import features
from curation.release.manifest import FileFact, Manifest
from curation.release.rows import CONFIGS, Labels

FILE = "croissant.json"

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_TYPES = {"string": "sc:Text", "int64": "sc:Integer", "int32": "sc:Integer", "float64": "sc:Float"}


def croissant(manifest: Manifest, labels: Labels, about: About, files: Mapping[str, FileFact]) -> dict[str, Any]:
    """The description, as JSON-LD. `files` are those of the release; the Parquet files among them are named."""
    parquet = {name: fact for name, fact in files.items() if name.endswith(".parquet")}
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": about.name,
        "description": one_line(about.description or about.title, 5000),
        "version": manifest.version,
        "license": one_line(about.licence or "not stated"),
        "url": f"https://huggingface.co/datasets/{about.hub}" if about.hub else about.name,
        "citeAs": one_line(about.citation or cite(manifest, about), 5000),
        "distribution": [
            *(
                {
                    "@type": "cr:FileObject",
                    "@id": name,
                    "name": name,
                    "contentUrl": name,
                    "encodingFormat": "application/x-parquet",
                    "contentSize": f"{fact.bytes} B",
                    "sha256": fact.sha256,
                }
                for name, fact in parquet.items()
            ),
            *(
                {
                    "@type": "cr:FileSet",
                    "@id": f"{config}-files",
                    "name": f"{config}-files",
                    "encodingFormat": "application/x-parquet",
                    "includes": f"{config}/*.parquet",
                }
                for config in CONFIGS
            ),
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": config,
                "name": config,
                "field": list(_fields(config, dict(features(config, labels)))),
            }
            for config in CONFIGS
        ],
    }


def cite(manifest: Manifest, about: About) -> str:
    """How to cite a release that does not say it itself."""
    return f"{one_line(about.title)}, version {manifest.version} (content {manifest.logical_sha256[:12]})"


def _fields(config: str, columns: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, feature in columns.items():
        source = {"fileSet": {"@id": f"{config}-files"}, "extract": {"column": name}}
        yield _field(f"{config}/{name}", feature, source, [])


def _field(place: str, feature: Any, source: dict[str, Any], path: list[str]) -> dict[str, Any]:
    """A column or a field nested in it, `path` being its place in the column.

    Lists within lists (an event's arguments) are left out: readers of Croissant have no path into them.
    """
    made: dict[str, Any] = {"@type": "cr:Field", "@id": place, "name": place}
    if isinstance(feature, List):
        made["repeated"] = True
        feature = feature.feature
    if isinstance(feature, dict):
        made["subField"] = [
            _field(f"{place}/{name}", held, source, [*path, name])
            for name, held in feature.items()
            if not isinstance(held, List)
        ]
        return made
    made["dataType"] = "sc:Integer" if isinstance(feature, ClassLabel) else _TYPES.get(feature.dtype, "sc:DateTime")
    made["source"] = source | ({"transform": [{"jsonPath": name} for name in path]} if path else {})
    return made
