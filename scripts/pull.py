"""The pull job for cron and schedulers: `python scripts/pull.py` is `curation pull`, with the same options."""

import sys

from curation.cli import main

main(["pull", *sys.argv[1:]])
