"""The rule engine: entities, events and arguments from parsed text, a label schema and its lexicon."""
