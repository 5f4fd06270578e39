"""What the rule engine knows of a label schema: its lexicon, and the weights of its scores. Both are YAML files.

The schema names the lexicon (`lexicon`), the lexicon names the weights (`weights`). Every part is optional. Labels are
the schema's; words are lemmas in lower case unless stated otherwise.

    weights: conflict-news.weights.yaml # the file beside the lexicon with the weights of the scores
    entities:                         # entity type → rules
      ArmedGroup:
        - names: [Hill Guard]         # names as they are written, found anywhere
        - name_heads: [Army, Corps]   # a capitalised name that ends in one of these is of this type
        - heads: [rebel, troop]       # a noun phrase with one of these as its head is a nominal mention
        - heads: [group]
          needs: {modifier: [armed]}  # … only if one of these conditions holds
        - before: [near, city of]     # a name right after one of these is of this type
          after: [province]           # a name right before one of these is of this type
          hints: [in]                 # evidence for this type if the name looks like a person's: `in X`
        - first: [Doran, Irena]       # a capitalised name of several words that begins so is of this type
    pronouns: {he: Person, they: any} # pronoun → type; `any` takes the type of its antecedent
    partitives: [dozen, group]        # "dozens of X" fills a role as X
    others: {Object: [object, with]}  # the type of a noun without a rule, in one of these relations to a trigger
    light: [carry out, launch]        # verbs that pass their arguments to the noun they act on
    roles:                            # circumstances: role → relations, for every event type that has the role
      place: [in, near]
      time: [when]
    events:                           # event type → groups of words with one sense and one frame
      Attack:
        - verbs: [shell, gun down]    # the second word may be separated: "gunned them down"
          nouns: [shelling]
          adjectives: [injured]
          needs: {object: [Weapon]}   # one of these must hold: relation → entity types, lemmas, or `any`
          never: {object: [employee]} # none of these may hold
          roles: {attacker: [subject, "modifier:Nationality"], target: [object, against]}
    attributes:
      events:                         # attribute → value → its signs in the text
        modality:
          denied: {negated: true, auxiliaries: [], governors: [deny], modifiers: [alleged]}
      entities:                       # attribute → value → kind of mention
        mention: {nominal: nominal, pronoun: pronoun}

Relations, seen from the trigger: `subject` (the agent of an active or a passive verb), `object`, `recipient` (indirect
object), `possessor` ("X's"), `modifier` (words before a noun), `clause` (a complement clause), `infinitive` (one with
`to`), `clause-subject` (its subject), `above` (the verb that the trigger follows: "fired rockets, [injuring] six"),
`affects` (the object of the verb whose agent the trigger is: "the [blast] destroyed a mill"), `when` (a time in the
clause), `where` (the object of `in`, `at`, `near` or `outside` in the clauses around it), and every preposition under
its own name (`by`, `of`, `against`, …). In `roles` a type may follow: `modifier:Nationality`; `else subject` counts
only if no earlier relation filled the role. Conditions also have `head` (the word that the trigger depends on), `next`
(the word after it), `number` (singular, plural), and the value `none` (the relation is empty).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field

from curation.article import Value
from curation.errors import SchemaError
from curation.schema import LabelSchema
from curation.yaml_file import Complaint, read_yaml

Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\S.*\S$|^\S$")]
Words = tuple[Word, ...]
LogOdds = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]
Conditions = dict[Word, Words]
MentionKind = Literal["name", "nominal", "pronoun"]

ANY = "any"
"""In a condition: any word. As the type of a pronoun: the type of its antecedent."""


class LexiconError(SchemaError):
    """A lexicon or weights file that is inconsistent or does not fit its label schema."""


class EntityRule(Value):
    """Words that make or indicate one entity type; see the top of this file."""

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
    """Words with one sense and one frame that make one event type; see the top of this file."""

    verbs: Words = ()
    nouns: Words = ()
    adjectives: Words = ()
    needs: Conditions = Field(default_factory=dict)
    never: Conditions = Field(default_factory=dict)
    roles: dict[Word, Words] = Field(default_factory=dict)


class Signs(Value):
    """Signs of an attribute's value: a negation, an auxiliary, a governing word, a word before the trigger."""

    negated: bool = False
    auxiliaries: Words = ()
    governors: Words = ()
    modifiers: Words = ()


class AttributeRules(Value):
    """Attribute → value → its signs."""

    events: dict[Word, dict[Word, Signs]] = Field(default_factory=dict)
    entities: dict[Word, dict[Word, MentionKind]] = Field(default_factory=dict)


class Lexicon(Value):
    """The whole file; see the top of this module."""

    weights: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._-]+$")
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
        """Eight hex digits that change with the content, except for the name of the weights file."""
        return hashlib.sha256(self.model_dump_json(exclude={"weights"}).encode()).hexdigest()[:8]


class WeightTable(Value):
    """Log odds that one kind of item is right: `base`, and what each piece of evidence adds (if not listed: 0)."""

    base: LogOdds
    evidence: dict[str, LogOdds] = Field(default_factory=dict)


class Weights(Value):
    """Weights of the scores: three logistic regressions over evidence, written by scripts/bench/fit_scores.py.

    `scoring.py` names the evidence.
    """

    entities: WeightTable
    triggers: WeightTable
    arguments: WeightTable

    @cached_property
    def digest(self) -> str:
        """Eight hex digits that change with the content."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:8]


ONTOLOGY = "ontonotes"
"""The ontology of the entity labels of spaCy's English models; the label names below are its own."""
AMOUNTS = frozenset(("CARDINAL", "QUANTITY", "MONEY", "PERCENT", "DATE", "TIME"))
CONFUSED = ("PERSON", "ORG", "NORP", "PRODUCT")
"""Labels that the model confuses with each other."""


class EntityTables:
    """The entity rules of a schema and its lexicon as look-up tables: word or name → entity type.

    Attributes:
        labels: label of the model → entity type.
        heads: head noun → rules for nominal mentions.
        names: name → type.
        name_heads: last word of a name → type.
        before, after, hints: word next to a name → type.
        first: first word of a name of several words → type.
        place, region, adjective, people: the types for states, regions, nationalities, persons; None without one.
        confused: types that the model confuses with each other.
        amounts: types of times and amounts.
        bodies: types of organised groups.
    """

    def __init__(self, schema: LabelSchema, lexicon: Lexicon) -> None:
        self.labels = {
            label: entity.name
            for entity in reversed(schema.entity_types)
            for label in entity.elsewhere.get(ONTOLOGY, ())
        }
        self.heads: dict[str, list[tuple[str, EntityRule]]] = defaultdict(list)
        self.names: dict[str, str] = {}
        self.name_heads: dict[str, str] = {}
        self.before: dict[str, str] = {}
        self.after: dict[str, str] = {}
        self.hints: dict[str, str] = {}
        self.first: dict[str, str] = {}
        for name, rules in lexicon.entities.items():
            for rule in rules:
                for word in rule.heads:
                    self.heads[word].append((name, rule))
                self.names.update(dict.fromkeys(rule.names, name))
                self.name_heads.update(dict.fromkeys(rule.name_heads, name))
                self.before.update(dict.fromkeys(rule.before, name))
                self.after.update(dict.fromkeys(rule.after, name))
                self.hints.update(dict.fromkeys(rule.hints, name))
                self.first.update(dict.fromkeys(rule.first, name))
        self.place = self.labels.get("GPE")
        self.region = self.labels.get("LOC")
        self.adjective = self.labels.get("NORP")
        self.people = lexicon.pronouns.get("he")
        self.confused = {self.labels.get(label) for label in CONFUSED}
        self.amounts = {self.labels[label] for label in AMOUNTS if label in self.labels}
        self.bodies = set(self.name_heads.values()) - {self.place, self.region}


def load_lexicon(path: Path, schema: LabelSchema) -> Lexicon:
    """The lexicon in a YAML file, checked against `schema`.

    Raises:
        LexiconError: naming the file, the line and the field of the first error, such as a label that `schema` does
            not have.
    """
    return read_yaml(
        Lexicon,
        path,
        error=LexiconError,
        what="lexicon",
        example="schemas/conflict-news.lexicon.yaml",
        check=lambda lexicon: _unknown_labels(lexicon, schema),
    )


def load_weights(lexicon: Lexicon, path: Path) -> Weights | None:
    """The weights that `lexicon`, read from `path`, names; None if it names none.

    Raises:
        LexiconError: naming the file, the line and the field of the first error.
    """
    if lexicon.weights is None:
        return None
    return read_yaml(
        Weights,
        path.with_name(lexicon.weights),
        error=LexiconError,
        what="weights",
        example="schemas/conflict-news.weights.yaml",
    )


def lexicon_files(path: Path) -> dict[str, str]:
    """Name → text of the lexicon file and of the weights file that it names, to copy them to another machine.

    A file that cannot be read is left out: loading the lexicon reports it.
    """
    texts: dict[str, str] = {}
    names = [path.name]
    for name in names:
        try:
            texts[name] = path.with_name(name).read_text(encoding="utf-8")
            content = yaml.safe_load(texts[name]) if name == path.name else None
        except (OSError, ValueError, yaml.YAMLError):
            continue
        if isinstance(content, dict) and isinstance(weights := content.get("weights"), str):
            names.append(weights)
    return texts


def _unknown_labels(lexicon: Lexicon, schema: LabelSchema) -> Iterator[Complaint]:
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
    used: tuple[tuple[Literal["entities", "events"], dict[str, set[str]]], ...] = (
        ("entities", {name: set(values) for name, values in lexicon.attributes.entities.items()}),
        ("events", {name: set(values) for name, values in lexicon.attributes.events.items()}),
    )
    for kind, attributes in used:
        declared = {attribute.name: attribute.names for attribute in schema.attributes_of(kind)}
        for name, values in attributes.items():
            if name not in declared:
                yield ("attributes", kind, name), f"attribute {name} is not in {schema.ref}"
            for value in sorted(values - set(declared.get(name, ()))):
                yield ("attributes", kind, name, value), f"{name} has no value {value} in {schema.ref}"
