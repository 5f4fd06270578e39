"""The preannotate job for cron and schedulers: the same options as `curation preannotate`."""

import sys

from curation.cli import main

if __name__ == "__main__":  # worker processes import this file
    main(["preannotate", *sys.argv[1:]])
