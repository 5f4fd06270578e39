"""The pull job for cron and schedulers: the same options as `curation pull`."""

import sys

from curation.cli import main

main(["pull", *sys.argv[1:]])
