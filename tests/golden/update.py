"""Write the golden files again, on purpose: `python tests/golden/update.py [NAME…]`. Read `git diff` before you commit.

Names are those of files in `expected/`; none: all of them. The frozen inputs are never written again: they stand for
what earlier versions left on disk.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from figures import FIGURES, FOLDERS
from frozen_project import HERE


def main(names: list[str]) -> None:
    """Write the named figures, or all."""
    if unknown := set(names) - set(FIGURES):
        sys.exit(f"error: no such figure: {', '.join(sorted(unknown))}; there are {', '.join(FIGURES)}")
    with tempfile.TemporaryDirectory() as scratch:
        for name in names or FIGURES:
            folder = Path(scratch) / FOLDERS.get(name, name)
            folder.mkdir(exist_ok=True)
            (HERE / "expected" / name).write_text(FIGURES[name](folder), encoding="utf-8", newline="")
    if not names:
        for path in (HERE / "expected").iterdir():
            if path.name not in FIGURES:
                path.unlink()


if __name__ == "__main__":
    main(sys.argv[1:])
