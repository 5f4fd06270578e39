"""What goes into a release of an article whose annotation counts."""

from __future__ import annotations

from curation.annotation import Annotation
from curation.article import Article
from curation.formats.tokens import tokenise
from curation.preannotate.zones import zones
from curation.release.documents import ReviewedArticle
from curation.release.program import program
from curation.review.choose import Choice
from curation.review.pseudonyms import Pseudonyms


def made_by(pseudonyms: Pseudonyms) -> str:
    """What rows depend on beside the article and its annotations: this very code, and the names people go by."""
    return f"{program(__name__)} {pseudonyms.key('person:')}"


def chosen(
    article: Article, choice: Choice, prediction: Annotation | None, pseudonyms: Pseudonyms, snapshot: str
) -> ReviewedArticle:
    """An article with what people said of it, under pseudonyms."""
    made = laid_out(article, pseudonyms.annotation(choice.annotation))
    return made._replace(snapshot=snapshot, chosen=choice.why, prediction=prediction, others=choice.others)


def laid_out(article: Article, annotation: Annotation) -> ReviewedArticle:
    """An article with its annotation, sentences and zones."""
    return ReviewedArticle(article, annotation, sentences=tokenise(article).sentences, zones=zones(article.text))
