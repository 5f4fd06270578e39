"""Borders of noun phrases and names: noun phrases without their determiners, runs of capitals."""

from __future__ import annotations

from collections.abc import Iterator

from curation.engines.rules.parsed_text import Parse


def words(text: str) -> frozenset[str]:
    """The words of `text` as a set."""
    return frozenset(text.split())


_LEFT_OF_NOUN = words("amod compound nmod nummod punct advmod npadvmod quantmod conj cc dep acl appos prep pobj")
_EDGE_POS = words("DET PUNCT CCONJ ADP PART SCONJ SPACE SYM AUX INTJ")
_EDGE_TAGS = words("PRP$ POS WP$ PDT")
_BREAK_TAGS = _EDGE_TAGS | words("DT WDT `` '' -LRB- -RRB-")
_BREAKS = words(', ; : — – ( ) “ ” "')
_ORDER = words("early late later earlier last next first second third previous every each another between")
_LOOSE = _ORDER | words(
    """about some around nearly almost at least more than over up to only just other such many several few most all
    both any no own same approximately roughly as fewer less on in of by since until from during for through after
    before and or further latest nearby"""
)
"""Words before a noun phrase that do not belong to it."""
_POINTING = words("this that these those")
_APOSTROPHES = frozenset(("'s", "’s", "'", "’", "‘"))


def left_edge(parse: Parse, head: int) -> int:
    """The first token of the noun phrase that ends with `head`, without determiners, possessors and similar words."""
    first = head
    index = head - 1
    while index >= 0 and parse.sentence[index] == parse.sentence[head] and _belongs(parse, index, head):
        first = index
        index -= 1
    while first < head and (
        parse.pos[first] in _EDGE_POS or parse.tag[first] in _EDGE_TAGS or parse.lower[first] in _LOOSE
    ):
        first += 1
    return first


def _belongs(parse: Parse, index: int, head: int) -> bool:
    """Whether the token at `index` is a part of the noun phrase of `head`."""
    text = parse.text[index]
    if parse.tag[index] in _BREAK_TAGS or parse.pos[index] == "SPACE" or text in _BREAKS:
        return False
    if text in ("-", "--") and index and parse.start[index] > parse.end[index - 1]:
        return False
    token = index
    for _ in range(6):
        if parse.dep[token] not in _LEFT_OF_NOUN:
            return False
        token = parse.head[token]
        if token >= head:
            return token == head
    return False


def inside_compound(parse: Parse, index: int) -> bool:
    """Whether the noun modifies a following noun."""
    if parse.dep[index] in ("compound", "nmod", "amod") and parse.head[index] > index:
        return True
    return index + 2 < len(parse) and parse.text[index + 1] == "-" and parse.end[index + 1] == parse.start[index + 2]


def modifiers(parse: Parse, first: int, head: int) -> set[str]:
    """The words of a noun phrase before its head, `plural` or `singular`, and `named` if a name is among them."""
    found = {parse.lemma[token] for token in range(first, head)}
    found |= {parse.lower[token] for token in range(first, head)}
    found.add("plural" if parse.tag[head] in ("NNS", "NNPS") else "singular")
    if any(parse.pos[token] == "PROPN" for token in range(first, head)):
        found.add("named")
    return found


def capitalised_runs(parse: Parse) -> Iterator[tuple[int, int]]:
    """Runs of capitalised proper nouns and of codes (`B-2207`), including hyphens and full stops of abbreviations."""
    index, count = 0, len(parse)
    while index < count:
        text = parse.text[index]
        if (parse.pos[index] == "PROPN" and text[:1].isupper()) or _is_code(text):
            last = index + 1
            while last < count and _goes_on(parse, last):
                last += 1
            yield index, last
            index = last
        index += 1


def _is_code(text: str) -> bool:
    return text[:1].isupper() and any(char.isdigit() for char in text)


def _goes_on(parse: Parse, index: int) -> bool:
    text = parse.text[index]
    if parse.pos[index] == "PROPN" and text[:1].isalnum():
        return True
    named = index + 1 < len(parse) and parse.pos[index + 1] == "PROPN"
    return named and (text == "-" or (text == "." and len(parse.text[index - 1]) < 5))


def may_be_in_name(parse: Parse, index: int) -> bool:
    """Whether the token can be inside a capitalised name: a capital, a hyphen after one, `4th`."""
    text = parse.text[index]
    if text[:1].isupper():
        return parse.pos[index] in ("PROPN", "ADJ", "NOUN", "NUM")
    if text == "-":
        return index > 0 and parse.text[index - 1][:1].isupper()
    return text[0].isdigit() and text.endswith(("th", "st", "nd", "rd"))


def without_determiner(parse: Parse, first: int, last: int) -> int:
    """The first token after leading determiners, prepositions and similar words."""
    while first < last - 1 and (parse.pos[first] in _EDGE_POS or parse.lower[first] in ("the", "a", "an")):
        first += 1
    return first


def trimmed(parse: Parse, first: int, last: int, *, loose: bool) -> tuple[int, int]:
    """A model's entity without determiners, possessive endings and stray punctuation.

    `loose`: a time or an amount; words such as `about`, `more than`, `since` are removed, too.
    """
    while first < last and (
        parse.pos[first] in ("DET", "SPACE", "PUNCT")
        or parse.lower[first] in ("the", "a", "an")
        or parse.tag[first] in ("PRP$", "POS")
        or (loose and parse.lower[first] in _LOOSE and parse.lower[first] not in _ORDER)
    ):
        if loose and parse.lower[first] in _POINTING:
            break
        first += 1
    while last > first and (
        parse.text[last - 1] in _APOSTROPHES or parse.pos[last - 1] in ("SPACE", "PUNCT", "ADP", "CCONJ")
    ):
        last -= 1
    return first, last


def has_alphanumeric(parse: Parse, first: int, last: int) -> bool:
    """Whether the tokens contain a letter or a digit."""
    return any(char.isalnum() for token in range(first, last) for char in parse.text[token])


def head_of(parse: Parse, first: int, last: int) -> int:
    """The last token in `[first, last)` whose head is outside of it."""
    for token in range(last - 1, first - 1, -1):
        head = parse.head[token]
        if (head < first or head >= last or head == token) and parse.pos[token] != "PUNCT":
            return token
    return last - 1


def surface(parse: Parse, first: int, last: int) -> str:
    """The text of the tokens, with single spaces."""
    if last == first + 1:
        return parse.text[first]
    pieces = [parse.text[first]]
    for token in range(first + 1, last):
        pieces.append((" " if parse.start[token] > parse.end[token - 1] else "") + parse.text[token])
    return "".join(pieces)


def first_token(name: str) -> str:
    """The first token of `name`, as the tokenizer splits it."""
    first = name.split(" ")[0]
    return first.split("-")[0] if "-" in first and not first.startswith("-") else first
