"""Attributes: whether the text says that an event happens."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ..conftest import Predicted

Predict = Callable[[str], Predicted]


@pytest.mark.parametrize(
    ("text", "trigger", "modality"),
    [
        ("The militia attacked the convoy.", "attacked", None),
        ("The army says it attacked the convoy.", "attacked", None),
        ("The militia did not attack the convoy.", "attack", "denied"),
        ("Nobody was hurt.", "hurt", "denied"),
        ("The army denied any shelling.", "shelling", "denied"),
        ("They left without firing a shot.", "firing", "denied"),
        ("Rebels threatened to attack the bridge.", "attack", "planned"),
        ("Troops will withdraw from the zone.", "withdraw", "planned"),
        ("The ceasefire is to begin on Sunday.", "ceasefire", None),
        ("Troops plan to carry out a strike on the camp.", "strike", "planned"),
        ("If rebels attack the town, nobody is safe.", "attack", "hypothetical"),
        ("Rebels could attack the bridge.", "attack", "hypothetical"),
        ("The envoy called for a ceasefire.", "ceasefire", "hypothetical"),
        ("Russia told the militia to leave the zone.", "leave", "hypothetical"),
        ("They failed to heed the warnings.", "warnings", None),
        ("The army will lift the siege of Aleppo.", "siege", None),
        ("No aircraft was damaged.", "damaged", "denied"),
        ("The envoys were kept from meeting the general.", "meeting", "denied"),
        ("A guard was nearly killed.", "killed", "denied"),
        ("The president told a rally in Harl that he would stay.", "rally", None),
        ("Officials called the attack a crime.", "attack", None),
        ("The bomb set off an explosion.", "explosion", None),
        ("The minister denied a part in the attack.", "attack", None),
        ("None was hurt, but eleven people were arrested.", "arrested", None),
        ("After shelling the town they called for talks.", "shelling", None),
    ],
)
def test_modality(predict: Predict, text: str, trigger: str, modality: str | None) -> None:
    assert predict(text).attributes(trigger).get("modality") == modality
