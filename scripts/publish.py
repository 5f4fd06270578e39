"""The publish job for cron and schedulers: `python scripts/publish.py` is `curation publish`, with the same options."""

import sys

from curation.cli import main

main(["publish", *sys.argv[1:]])
