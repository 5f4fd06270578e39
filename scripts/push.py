"""The push job for cron and schedulers: the same options as `curation push`."""

import sys

from curation.cli import main

main(["push", *sys.argv[1:]])
