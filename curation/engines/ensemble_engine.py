"""Several engines as one: each votes, and weights fitted on corrected articles say what the votes are worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from curation.annotation import Annotation, Annotator, annotation_id
from curation.article import Article
from curation.engines.batches import batches
from curation.engines.engine import Engine, Failure, load_engine
from curation.ensemble import combine, load_ensemble
from curation.errors import BadInput, EngineError
from curation.schema import LabelSchema

VERSION = "1.0.0"
BATCH_ARTICLES, BATCH_CHARACTERS = 32, 200_000
"""How much is read at a time, whichever comes first; each member has all of it before the next one does."""


class EnsembleEngine(Engine):
    """What the members of an ensemble file say together; scores are chances.

    Args:
        schema: the labels to use.
        lexicon: for the members.
        model: the file that `curation ensemble` wrote; it names the members.

    Raises:
        EngineError: no file is named, or a member cannot be made.
        BadInput: the file cannot be used, is of another schema, or a member is of another version by now.
    """

    def __init__(self, schema: LabelSchema, *, lexicon: Path | None, model: str | None = None) -> None:
        if not model:
            raise EngineError("engine ensemble needs the file that `curation ensemble` wrote; name it with --model")
        path = Path(model)
        self.schema = schema
        self.ensemble = load_ensemble(path)
        again = "fit it again: curation ensemble"
        if self.ensemble.schema_ref != schema.ref:
            what = f"is of {self.ensemble.schema_ref}, not {schema.ref}"
            raise BadInput(what, path=path, field="schema", way_out=again)
        self.members: list[Engine] = []
        for number, member in enumerate(self.ensemble.members):
            made = load_engine(member.name, schema, lexicon=lexicon, model=member.model, options=member.options)
            if made.annotator.key != member.key:
                what = f"is {made.annotator.key} by now, and {member.key} was weighed"
                raise BadInput(what, path=path, field=f"members[{number}]", way_out=again)
            self.members.append(made)
        self.annotator = Annotator(kind="engine", name="ensemble", version=f"{VERSION}+{self.ensemble.digest}")

    def __call__(self, article: Article) -> Annotation:
        """The annotation of one article. Raises EngineError where a member cannot annotate it."""
        (made,) = self.pipe([article])
        if isinstance(made, Failure):
            raise EngineError(made.reason)
        return made

    def pipe(self, articles: Iterable[Article]) -> Iterator[Annotation | Failure]:
        """Annotations in the order of `articles`; memory does not grow with their number."""
        for member in self.members:
            member.cache = self.cache and self.cache.parent / member.annotator.name
        for batch in batches(articles, BATCH_ARTICLES, BATCH_CHARACTERS):
            each = [list(member.pipe(batch)) for member in self.members]
            for article, said in zip(batch, zip(*each, strict=True), strict=True):
                yield self._together(article, said)

    def _together(self, article: Article, said: Sequence[Annotation | Failure]) -> Annotation | Failure:
        """The weights are of all members' votes: where one cannot vote there is no annotation."""
        left_out: Counter[str] = Counter()
        for member in self.members:
            for reason, count in member.left_out(article.id).items():
                left_out[f"{member.annotator.name}: {reason}"] += count
        self.leave_out(article.id, left_out)
        voted = []
        for member, made in zip(self.members, said, strict=True):
            if isinstance(made, Failure):
                return Failure(article.id, f"{member.annotator.name}: {made.reason}")
            voted.append(made)
        entities, events = combine(self.ensemble, voted, self.schema.fillers, self.annotator.key)
        return Annotation(
            id=annotation_id(article.id, article.text_sha256, self.annotator.key, self.schema.ref),
            article_id=article.id,
            text_sha256=article.text_sha256,
            schema_ref=self.schema.ref,
            annotator=self.annotator,
            entities=tuple(entities),
            events=tuple(events),
        )
