"""Inflected forms of English verbs, to recognise verbs that the tagger did not."""

from __future__ import annotations

from collections.abc import Iterator

_IRREGULAR = {
    line.split()[0]: line.split()[1:]
    for line in """
        beat beat beaten
        begin began begun
        blow blew blown
        break broke broken
        bring brought
        burn burned burnt
        come came
        cut cut
        drive drove driven
        fall fell fallen
        fight fought
        flee fled
        fly flew flown
        freeze froze frozen
        give gave given
        go went gone
        hang hanged hung
        hit hit
        hold held
        hurt hurt
        leave left
        lose lost
        meet met
        overrun overran overrun
        retake retook retaken
        seek sought
        send sent
        set set
        shoot shot
        ring rang rung
        sink sank sunk
        slay slew slain
        speak spoke spoken
        strike struck
        take took taken
        swim swam swum
        tear tore torn
        tell told
        throw threw thrown
        win won
        withdraw withdrew withdrawn
    """.strip().splitlines()
}


def finite_forms(lemma: str) -> Iterator[str]:
    """Present and past forms of a verb, including past participles."""
    ends_in_y = lemma.endswith("y") and lemma[-2:-1] not in "aeiou"
    yield lemma
    if lemma.endswith(("s", "x", "z", "ch", "sh", "o")):
        yield lemma + "es"
    else:
        yield lemma[:-1] + "ies" if ends_in_y else lemma + "s"
    if lemma in _IRREGULAR:
        yield from _IRREGULAR[lemma]
    elif lemma.endswith("e"):
        yield lemma + "d"
    else:
        yield lemma[:-1] + "ied" if ends_in_y else lemma + "ed"
        if len(lemma) > 2 and lemma[-1] in "bdgmnprt" and lemma[-2] in "aeiou" and lemma[-3] not in "aeiou":
            yield lemma + lemma[-1] + "ed"


def gerunds(lemma: str) -> Iterator[str]:
    """Possible `-ing` forms of a verb."""
    if lemma.endswith("ie"):
        yield lemma[:-2] + "ying"
    elif lemma.endswith("e"):
        yield lemma[:-1] + "ing"
    else:
        yield lemma + "ing"
        yield lemma + lemma[-1] + "ing"
