"""HTML pages. A page needs no other file and no network; everything in it that came from outside is escaped.

Imports nothing but values: the functions take the figures to show.
"""
