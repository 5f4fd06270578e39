"""The sample schema as a later version might have it: labels renamed, merged, split and removed."""

from __future__ import annotations

from typing import Any

from curation.schema import LabelSchema

NEW = {
    "Weapon": "Gear",
    "Facility": "Site",
    "Arrest": "Detention",
    "attacker": "aggressor",
    "planned": "future",
    "mention": "form",
}
MIGRATION: dict[str, Any] = {
    "version": "2.0.0",
    "entity_types": {
        "Weapon": "Gear",
        "Object": "Gear",
        "Facility": "Site",
        "Quantity": None,
        "GPE": [{"to": "Place", "when": {"mention": "nominal"}}, {"to": "GPE"}],
    },
    "event_types": {"Arrest": "Detention"},
    "roles": {"attacker": "aggressor"},
    "attributes": {"mention": "form"},
    "values": {"modality.planned": "future"},
}


def later(schema: LabelSchema, *, migrations: bool = True) -> LabelSchema:
    """Version 2.0.0 of the sample schema, with or without word of what became of the labels of 1.0.0."""
    record = _renamed(schema.model_dump(mode="json"))
    types = {one["name"]: one for one in record["entity_types"]}
    place = {**types["GPE"], "name": "Place", "hotkey": None}
    gone = ("Object", "Quantity")
    record["entity_types"] = [*(one for name, one in types.items() if name not in gone), place]
    for event_type in record["event_types"]:
        for role in event_type["roles"]:
            role["fillers"] = _fillers(role["fillers"])
    record["groups"] = {name: _fillers(members) for name, members in record["groups"].items()}
    record["version"] = "2.0.0"
    record["migrations"] = [MIGRATION] if migrations else []
    return LabelSchema.model_validate(record)


def _fillers(names: list[str]) -> list[str]:
    kept = ["Gear" if name == "Object" else name for name in names if name != "Quantity"]
    return list(dict.fromkeys([*kept, "Place"] if "GPE" in kept else kept)) or ["Event"]


def _renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _renamed(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one) for one in value]
    return NEW.get(value, value) if isinstance(value, str) else value
