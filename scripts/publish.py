"""The publish job for cron and schedulers: the same options as `curation publish`."""

import sys

from curation.cli import main

if __name__ == "__main__":  # worker processes import this file
    main(["publish", *sys.argv[1:]])
