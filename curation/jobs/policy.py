"""The project's policy on who counts in review, from `[review]` of curation.toml."""

from __future__ import annotations

from curation.annotation import Annotator
from curation.errors import ProjectError
from curation.labelstudio.constants import UNKNOWN
from curation.review.pseudonyms import Pseudonyms
from curation.review.selection_policy import Policy
from curation.settings import FILE, Settings


def policy(project: Settings) -> Policy:
    """The policy of `[review]`.

    Raises:
        ProjectError: an attribute that is to be ignored is not in the schema.
    """
    section, schema = project.review, project.load_schema()
    declared = {one.name: one.default for one in schema.attributes}
    for name in section.ignore_attributes:
        if name not in declared:
            raise ProjectError(
                f"{name} is no attribute of the schema",
                path=project.root / FILE,
                field="review.ignore_attributes",
                way_out=f"name some of {', '.join(sorted(declared)) or 'none'}",
            )
    rules = Policy(
        needed=section.needed,
        ignore_attributes=section.ignore_attributes,
        defaults=declared,
        undecided=section.undecided,
        schema=schema,
        deleted=UNKNOWN,
    )
    if not section.annotators:
        return rules
    names = frozenset(one.removeprefix("person:") for one in section.annotators)
    pseudonyms = Pseudonyms.of(project.work)

    def counts(annotator: Annotator) -> bool:
        if annotator.kind != "person":
            return False
        return annotator.name in names or pseudonyms.key(annotator.key).removeprefix("person:") in names

    return rules._replace(counts=counts)
