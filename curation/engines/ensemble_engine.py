"""Several engines as one: members vote, and weights fitted on corrected articles combine the votes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from curation.annotation import Annotation, Annotator
from curation.article import Article
from curation.engines.engine import BatchEngine, Engine, Failure, load_engine
from curation.engines.ensemble_votes import combine, load_ensemble
from curation.errors import BadInput, EngineError
from curation.schema import LabelSchema

VERSION = "1.0.0"


class EnsembleEngine(BatchEngine):
    """The combined output of the members of an ensemble file; scores are probabilities.

    Args:
        schema: the label schema to use.
        lexicon: passed to the members.
        model: the file written by `curation ensemble`; it names the members.

    Raises:
        EngineError: no file is named, or a member cannot be constructed.
        BadInput: the file cannot be used, was fitted for another schema or for another version of a member.
    """

    def __init__(self, schema: LabelSchema, *, lexicon: Path | None, model: str | None = None) -> None:
        if not model:
            raise EngineError("engine ensemble needs the file that `curation ensemble` wrote; name it with --model")
        super().__init__(schema, languages="*")  # the members check the language
        path = Path(model)
        self.ensemble = load_ensemble(path)
        hint = "fit it again: curation ensemble"
        if self.ensemble.schema_ref != schema.ref:
            what = f"is of {self.ensemble.schema_ref}, not {schema.ref}"
            raise BadInput(what, path=path, field="schema", way_out=hint)
        self.members: list[Engine] = []
        for number, member in enumerate(self.ensemble.members):
            engine = load_engine(member.name, schema, lexicon=lexicon, model=member.model, options=member.options)
            if engine.annotator.key != member.key:
                what = f"is {engine.annotator.key} now, but the weights were fitted for {member.key}"
                raise BadInput(what, path=path, field=f"members[{number}]", way_out=hint)
            self.members.append(engine)
        self.annotator = Annotator(kind="engine", name="ensemble", version=f"{VERSION}+{self.ensemble.digest}")

    def annotate(self, articles: list[Article]) -> list[Annotation | Failure]:
        """One result per article, in order. Each member annotates all articles before the next member starts."""
        for member in self.members:
            member.cache = self.cache and self.cache.parent / member.annotator.name
        votes = [list(member.pipe(articles)) for member in self.members]
        return [self._combined(article, own) for article, own in zip(articles, zip(*votes, strict=True), strict=True)]

    def _combined(self, article: Article, votes: tuple[Annotation | Failure, ...]) -> Annotation | Failure:
        """The weights are valid for the votes of all members: if one member fails, the article fails."""
        left_out: Counter[str] = Counter()
        for member in self.members:
            for reason, count in member.left_out(article.id).items():
                left_out[f"{member.annotator.name}: {reason}"] += count
        self.leave_out(article.id, left_out)
        annotations = []
        for member, vote in zip(self.members, votes, strict=True):
            if isinstance(vote, Failure):
                return Failure(article.id, f"{member.annotator.name}: {vote.reason}")
            annotations.append(vote)
        return self.annotation(article, *combine(self.ensemble, annotations, self.schema.fillers, self.annotator.key))
