"""What rule engines know of the words of a label schema, read from the YAML file the schema names as `lexicon`.

Every part is optional. Labels are the schema's; words are lemmas in lower case unless told otherwise.

    entities:                         # entity type → rules
      ArmedGroup:
        - names: [Hill Guard]         # names as they are written, found anywhere
        - name_heads: [Army, Corps]   # a capitalised name that ends in one of these is of this type
        - heads: [rebel, troop]       # a noun phrase with one of these as its head is a nominal mention
        - heads: [group]
          needs: {modifier: [armed]}  # … only where a condition holds
        - before: [near, city of]     # a name right after one of these is of this type
          after: [province]           # a name right before one of these is
          hints: [in]                 # tilts a name that looks like a person's: `in X`
        - first: [Doran, Irena]       # a capitalised name of several words that begins with one of these is
    pronouns: {he: Person, they: any} # pronoun → type; `any` takes the type of what came before
    partitives: [dozen, group]        # "dozens of X" fills a role as X
    others: {Object: [object, with]}  # the type of a noun no rule knows, where it stands in one of these relations
    light: [carry out, launch]        # verbs that lend their arguments to the noun they act on
    roles:                            # role → where its filler stands, for every event type that has the role
      place: [in, near]
      time: [when]
    events:                           # event type → groups of words with one meaning and one frame
      Attack:
        - verbs: [shell, gun down]    # the second word may stand apart: "gunned them down"
          nouns: [shelling]
          adjectives: [injured]
          needs: {object: [Weapon]}   # one of these must hold: relation → entity types, lemmas, or `any`
          never: {object: [employee]} # none of these may hold
          roles: {attacker: [subject, "modifier:Nationality"], target: [object, against]}
    attributes:
      events:                         # attribute → value → what tells it
        modality:
          denied: {negated: true, auxiliaries: [], governors: [deny], modifiers: [alleged]}
      entities:                       # attribute → value → kind of mention
        mention: {nominal: nominal, pronoun: pronoun}

Relations, seen from the trigger: `subject` (the doer, of an active or a passive verb), `object`, `recipient`
(indirect object), `possessor` ("X's"), `modifier` (words before a noun), `clause` (a clause that completes the
trigger), `infinitive` (one with `to`), `clause-subject` (its subject), `above` (the verb that the trigger follows:
"fired rockets, [injuring] six"), `affects` (what the verb acts on whose doer the trigger is: "the [blast] destroyed a
mill"), `when` (a time in the clause), `where` (what stands behind `in`, `at`, `near` or `outside` in the clauses around
it), and every preposition by its own word (`by`, `of`, `against`, …). In `roles` a type may follow:
`modifier:Nationality`; `else subject` counts only where nothing before it filled the role. Conditions also know `head`
(the word that the trigger depends on), `next` (the word after it), `number` (singular, plural), and the value `none`
(nothing stands in that relation).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from curation.article import Value
from curation.errors import SchemaError
from curation.schema import LabelSchema
from curation.yaml_file import Complaint, read_yaml

Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\S.*\S$|^\S$")]
Words = tuple[Word, ...]
Conditions = dict[Word, Words]
Mention = Literal["name", "nominal", "pronoun"]

ANY = "any"
"""In a condition: anything at all. As a pronoun's type: the type of what came before."""


class LexiconError(SchemaError):
    """A lexicon file that does not hold together, or does not fit its label schema."""


class EntityRule(Value):
    """Words that make or hint at one entity type; see the top of this file."""

    names: Words = ()
    name_heads: Words = ()
    heads: Words = ()
    needs: Conditions = Field(default_factory=dict)
    never: Conditions = Field(default_factory=dict)
    before: Words = ()
    after: Words = ()
    hints: Words = ()
    first: Words = ()


class EventRule(Value):
    """Words with one meaning and one frame that make one event type; see the top of this file."""

    verbs: Words = ()
    nouns: Words = ()
    adjectives: Words = ()
    needs: Conditions = Field(default_factory=dict)
    never: Conditions = Field(default_factory=dict)
    roles: dict[Word, Words] = Field(default_factory=dict)


class Signs(Value):
    """What tells an attribute's value: a negation, an auxiliary, a governing word, a word before the trigger."""

    negated: bool = False
    auxiliaries: Words = ()
    governors: Words = ()
    modifiers: Words = ()


class AttributeRules(Value):
    """Attribute → value → what tells it."""

    events: dict[Word, dict[Word, Signs]] = Field(default_factory=dict)
    entities: dict[Word, dict[Word, Mention]] = Field(default_factory=dict)


class Lexicon(Value):
    """The whole file; see the top of this module."""

    entities: dict[Word, tuple[EntityRule, ...]] = Field(default_factory=dict)
    pronouns: dict[Word, Word] = Field(default_factory=dict)
    partitives: Words = ()
    others: dict[Word, Words] = Field(default_factory=dict)
    light: Words = ()
    roles: dict[Word, Words] = Field(default_factory=dict)
    events: dict[Word, tuple[EventRule, ...]] = Field(default_factory=dict)
    attributes: AttributeRules = AttributeRules()

    @cached_property
    def digest(self) -> str:
        """Eight hex digits that change with the content."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:8]


def load_lexicon(path: Path, schema: LabelSchema) -> Lexicon:
    """The lexicon in a YAML file, fitted to `schema`.

    Raises:
        LexiconError: naming the file, the line and the field of the first thing that is wrong, a label that
            `schema` does not have among them.
    """
    return read_yaml(
        Lexicon,
        path,
        error=LexiconError,
        what="lexicon",
        example="schemas/conflict-news.lexicon.yaml",
        check=lambda lexicon: _strangers(lexicon, schema),
    )


def _strangers(lexicon: Lexicon, schema: LabelSchema) -> Iterator[Complaint]:
    """A complaint for each label that the schema does not have."""
    for name in lexicon.entities:
        if schema.entity_type(name) is None:
            yield ("entities", name), f"entity type {name} is not in {schema.ref}"
    for pronoun, name in lexicon.pronouns.items():
        if name != ANY and schema.entity_type(name) is None:
            yield ("pronouns", pronoun), f"entity type {name} is not in {schema.ref}"
    for name in lexicon.others:
        if schema.entity_type(name) is None:
            yield ("others", name), f"entity type {name} is not in {schema.ref}"
    for name in lexicon.roles:
        if name not in schema.role_names:
            yield ("roles", name), f"role {name} is not in {schema.ref}"
    for name, rules in lexicon.events.items():
        if schema.event_type(name) is None:
            yield ("events", name), f"event type {name} is not in {schema.ref}"
        for index, rule in enumerate(rules):
            for role in rule.roles:
                if (name, role) not in schema.fillers:
                    yield ("events", name, index, "roles", role), f"{name} has no role {role} in {schema.ref}"
    declared: tuple[tuple[Literal["entities", "events"], dict[str, set[str]]], ...] = (
        ("entities", {name: set(values) for name, values in lexicon.attributes.entities.items()}),
        ("events", {name: set(values) for name, values in lexicon.attributes.events.items()}),
    )
    for kind, said in declared:
        known = {attribute.name: attribute.names for attribute in schema.attributes_of(kind)}
        for name, values in said.items():
            if name not in known:
                yield ("attributes", kind, name), f"attribute {name} is not in {schema.ref}"
            for value in sorted(values - set(known.get(name, ()))):
                yield ("attributes", kind, name, value), f"{name} has no value {value} in {schema.ref}"
