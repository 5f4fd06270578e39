"""HTML pages: the project report, the evaluation of an engine, the differences between two releases.

A page needs no other file and no network. Everything in it that came from outside is escaped. The functions take plain
values, so this package knows neither Label Studio nor Hugging Face.
"""
