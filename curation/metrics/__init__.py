"""How annotations differ, in figures."""
