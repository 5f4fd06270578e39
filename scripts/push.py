"""The push job for cron and schedulers: `python scripts/push.py` is `curation push`, with the same options."""

import sys

from curation.cli import main

main(["push", *sys.argv[1:]])
