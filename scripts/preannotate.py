"""The preannotate job for cron and schedulers: the same options as `curation preannotate`."""

import sys

from curation.cli import main

main(["preannotate", *sys.argv[1:]])
