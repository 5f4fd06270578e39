"""Articles from files (`articles`), and annotations in the formats of trainers and other tools (`registry`)."""
