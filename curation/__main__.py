"""The command `curation`, also as `python -m curation`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. Ctrl-C is one line and exit code 130 also while the command is being loaded."""
    try:
        from curation.cli import main as command_line

        command_line()
    except KeyboardInterrupt:
        print("interrupted; run the same command again", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
