"""The plots show the counts, and stay readable however many there are."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

from made import ABOUT, SCHEMA, corpus

from curation.release import build_release
from curation.release.manifest import Counts, Manifest
from curation.release.plots import PLOTS, plots


def texts(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]


def test_bars_are_the_counts() -> None:
    counts = Counts(
        entities={"Person": {"train": 3, "test": 1}, "Place": {"train": 9}},
        events={"Move": {"train": 0}},
        lengths={"0": 2, "1000": 5},
        timeline={"2031-02": 1, "2031-01": 6},
    )
    drawn = plots(counts)
    assert texts(drawn["plots/labels.svg"])[1:] == ["Place", "9", "Person", "4", "Move", "0"]
    assert texts(drawn["plots/lengths.svg"])[1:] == ["0–499", "2", "500–999", "0", "1,000–1,499", "5"]
    assert texts(drawn["plots/timeline.svg"])[1:] == ["2031-01", "6", "2031-02", "1"]
    widths = [float(one) for one in re.findall(r'class="s0" .*?width="([\d.]+)"', drawn["plots/labels.svg"])]
    assert widths[0] > 2 * widths[1] > widths[2] == 0


def test_many_are_gathered_and_none_are_left_out() -> None:
    counts = Counts(
        lengths={str(500 * n): 1 for n in range(100)},
        timeline={f"{2000 + n // 12}-{n % 12 + 1:02}": 1 for n in range(100)},
    )
    drawn = plots(counts)
    assert list(drawn) == ["plots/lengths.svg", "plots/timeline.svg"]
    lengths = texts(drawn["plots/lengths.svg"])[1:]
    assert len(lengths) == 2 * 40
    assert lengths[-1] == "61", "what is longer is in the last bar"
    assert texts(drawn["plots/timeline.svg"])[1:5] == ["2000", "12", "2001", "12"]
    assert plots(Counts()) == {}


def test_the_card_shows_them(tmp_path: Path) -> None:
    folder = build_release(corpus(30), SCHEMA, tmp_path, about=ABOUT).folder
    page = (folder / "README.md").read_text()
    for name, shown in PLOTS.items():
        assert f"![{shown}]({name})" in page
        assert texts((folder / name).read_text())[0] == shown
    counts = Manifest.read(folder).counts
    assert sum(counts.lengths.values()) == sum(counts.timeline.values()) == 30
    assert "Made news, version 0.1.0, content `" in page
