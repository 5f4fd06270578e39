"""Which annotation counts, and how far annotators agree."""
