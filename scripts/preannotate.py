"""The preannotate job for cron and schedulers: `python scripts/preannotate.py` is `curation preannotate`, with the same options."""

import sys

from curation.cli import main

main(["preannotate", *sys.argv[1:]])
