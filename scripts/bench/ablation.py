"""What each part of the default engine contributes: switch it off, and measure again.

    python scripts/bench/ablation.py [GOLD[:MAPPING] …]     default: corpus/gold

    python scripts/bench/ablation.py corpus/gold re3d.jsonl:re3d wikievents.jsonl:wikievents m2e2.jsonl:m2e2

Prints F1 of entities, triggers and arguments and the correction effort of the whole engine, and by how much each
changes when a part is off. Every text is parsed three times: as it is, with titles as they stand, and as one zone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from curation.annotation import Annotation
from curation.article import Article
from curation.engines.article_zones import Zone, zones
from curation.engines.rules.arguments import ArgumentFinder, RoleFiller
from curation.engines.rules.clean_text import CleanText, clean
from curation.engines.rules.entities import EntityFinder
from curation.engines.rules.lexicon import AttributeRules, EntityRule, EventRule, Lexicon, load_lexicon, load_weights
from curation.engines.rules.mention_index import MentionIndex
from curation.engines.rules.mentions import Mention
from curation.engines.rules.parsed_text import Parse, parse, safe_doc
from curation.engines.rules.rule_engine import RuleEngine
from curation.engines.rules.triggers import TRIGGERS, Trigger, TriggerFinder
from curation.engines.spacy_engine import SpacyEngine
from curation.jobs.inputs import read_gold
from curation.metrics.effort import defaults
from curation.metrics.evaluation import Evaluation, Evaluator
from curation.metrics.label_mapping import Mapping, mapping_to
from curation.project import Project


class Read(NamedTuple):
    """An article, its gold, and what the rules see of it; of titles as they stand; of the whole text as one zone."""

    article: Article
    gold: Annotation
    usual: list[Parse]
    titles: list[Parse]
    whole: list[Parse]


class _EachForItself(EntityFinder):
    """NameTypes keep the type that each mention got."""

    def one_type_each(self, parses: Sequence[Parse], names: list[Mention]) -> list[Mention]:
        return names


class _AsTagged(TriggerFinder):
    """Verbs of headlines are what the tagger takes them for."""

    def hidden(self, parse: Parse) -> int | None:
        return None


class _VerbsOnly(ArgumentFinder):
    """Only verbs have arguments."""

    def arguments_of(self, lookup: MentionIndex, trigger: Trigger) -> Iterator[RoleFiller]:
        if lookup.parses[trigger.zone].is_verb(trigger.token):
            yield from super().arguments_of(lookup, trigger)


def without_names(lexicon: Lexicon) -> Lexicon:
    """No names of states, capitals, peoples, groups and weapons, and no given names."""
    return _entities(lexicon, names=(), first=())


def without_telling_words(lexicon: Lexicon) -> Lexicon:
    """No types by the words of a name or around it: `Hill Army`, `town of X`, `General X`."""
    return _entities(lexicon, name_heads=(), before=(), after=(), hints=())


def without_nominals(lexicon: Lexicon) -> Lexicon:
    """No nominal mentions by their head nouns."""
    return _entities(lexicon, heads=())


def without_phrases(lexicon: Lexicon) -> Lexicon:
    """No triggers of several words."""

    def one_word(rule: EventRule) -> EventRule:
        kept = {
            name: tuple(word for word in getattr(rule, name) if " " not in word)
            for name in ("verbs", "nouns", "adjectives")
        }
        return rule.model_copy(update=kept)

    return _events(lexicon, one_word)


def without_nouns(lexicon: Lexicon) -> Lexicon:
    """No nouns and adjectives as triggers."""
    return _events(lexicon, lambda rule: rule.model_copy(update={"nouns": (), "adjectives": ()}))


def without_guards(lexicon: Lexicon) -> Lexicon:
    """Every word of the lexicon is a trigger, whatever stands around it."""
    return _events(lexicon, lambda rule: rule.model_copy(update={"needs": {}, "never": {}}))


def without_light_verbs(lexicon: Lexicon) -> Lexicon:
    """No verb lends its arguments to the noun it acts on."""
    return lexicon.model_copy(update={"light": ()})


def without_circumstances(lexicon: Lexicon) -> Lexicon:
    """No places and times from the clause."""
    return lexicon.model_copy(update={"roles": {}})


def without_attributes(lexicon: Lexicon) -> Lexicon:
    """All events asserted, all entities names."""
    return lexicon.model_copy(update={"attributes": AttributeRules()})


def _entities(lexicon: Lexicon, **none: Any) -> Lexicon:
    def less(rules: tuple[EntityRule, ...]) -> tuple[EntityRule, ...]:
        return tuple(rule.model_copy(update=none) for rule in rules)

    return lexicon.model_copy(update={"entities": {name: less(rules) for name, rules in lexicon.entities.items()}})


def _events(lexicon: Lexicon, less: Callable[[EventRule], EventRule]) -> Lexicon:
    events = {name: tuple(less(rule) for rule in rules) for name, rules in lexicon.events.items()}
    return lexicon.model_copy(update={"events": events})


LEXICON: dict[str, Callable[[Lexicon], Lexicon]] = {
    "gazetteers": without_names,
    "telling words": without_telling_words,
    "noun-head rules": without_nominals,
    "phrases as triggers": without_phrases,
    "nouns as triggers": without_nouns,
    "word-sense guards": without_guards,
    "light verbs": without_light_verbs,
    "place and time": without_circumstances,
    "attributes": without_attributes,
}


def main() -> None:
    """Print one table for each gold."""
    project = Project.open()
    schema = project.load_schema()
    if project.lexicon is None:
        raise SystemExit(f"{schema.ref} has no lexicon; there is nothing to switch off")
    engine = SpacyEngine(schema, lexicon=project.lexicon, model=project.engine.model)
    lexicon = load_lexicon(project.lexicon, schema)
    weights = load_weights(lexicon, project.lexicon)
    for place in sys.argv[1:] or [str(project.gold)]:
        path, _, name = place.partition(":")
        mapping = mapping_to(name, schema, project.schema_path.parent) if name else None
        options = mapping.habit.options.get("spacy", {}) if mapping else {}
        read = _read(project, engine, Path(path))

        def rules(words: Lexicon, options: dict[str, Any] = options) -> RuleEngine:
            return RuleEngine(schema, words, weights, **options)

        def measure(
            rules: RuleEngine, seen: str = "usual", *, read: list[Read] = read, mapping: Mapping | None = mapping
        ) -> Evaluation:
            evaluator = Evaluator(mapping=mapping, defaults=defaults(schema), examples=0)
            for one in read:
                predicted = rules.extract(one.article.text, getattr(one, seen), engine.annotator.key)
                evaluator.add(one.article, one.gold, engine.annotation(one.article, *predicted))
            return evaluator.result()

        found = {"everything": measure(rules(lexicon)), "zones": measure(rules(lexicon), "whole")}
        found["titles as sentences"] = measure(rules(lexicon), "titles")
        found |= {name: measure(rules(less(lexicon))) for name, less in LEXICON.items()}
        found["one type for a name"] = measure(_with_entities(rules(lexicon), _EachForItself(schema, lexicon)))
        changed = rules(lexicon)
        changed.triggers = _AsTagged(lexicon, triggers=options.get("triggers", TRIGGERS[0]))
        found["headline verbs"] = measure(changed)
        changed = rules(lexicon)
        changed.arguments = _VerbsOnly(schema, lexicon, changed.entities)
        found["arguments of nouns"] = measure(changed)
        _print(place, found)


def _with_entities(rules: RuleEngine, entities: EntityFinder) -> RuleEngine:
    rules.entities = rules.arguments.entities = entities
    return rules


def _read(project: Project, engine: SpacyEngine, path: Path) -> list[Read]:
    def parsed(source: CleanText, parts: Sequence[Zone]) -> list[Parse]:
        return [
            parse(engine.nlp(safe_doc(engine.nlp, source.text[zone.start : zone.end])), zone, source) for zone in parts
        ]

    made = []
    for article, gold in read_gold(project, path).documents:
        source = clean(article.text)
        whole = [Zone("body", 0, len(source.text))]
        made.append(
            Read(article, gold, engine.parses(article), parsed(source, zones(source.text)), parsed(source, whole))
        )
    return made


def _print(place: str, found: dict[str, Evaluation]) -> None:
    table = Table("without", "entities", "triggers", "arguments", "effort", title=place, box=None, pad_edge=False)
    whole = _figures(found["everything"])
    for name, evaluation in found.items():
        figures = _figures(evaluation)
        cells = [
            "–" if here is None or there is None else f"{here:.3f}" if name == "everything" else f"{here - there:+.3f}"
            for here, there in zip(figures, whole, strict=True)
        ]
        table.add_row("nothing" if name == "everything" else name, *cells)
    console = Console()
    console.width = max(console.width, 80)
    console.print(table)


def _figures(evaluation: Evaluation) -> list[float | None]:
    sections = (evaluation.entities, evaluation.triggers, evaluation.arguments)
    effort = evaluation.effort.ratio if evaluation.effort else None
    return [*(section.f1 if section else None for section in sections), effort]


if __name__ == "__main__":
    main()
