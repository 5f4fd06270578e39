"""The publish job for cron and schedulers: the same options as `curation publish`."""

import sys

from curation.cli import main

main(["publish", *sys.argv[1:]])
