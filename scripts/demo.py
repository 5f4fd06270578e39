"""The whole loop on the sample corpus, unattended, through a real Label Studio. `make demo` runs it.

A second run continues from the first: tasks that you corrected in between are pulled and published, too.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from curation.annotation import Annotation
from curation.cli.console import say
from curation.errors import CurationError
from curation.formats.articles import good_articles
from curation.jobs.agreement import read_set
from curation.jobs.push import paired
from curation.jobs.studio import connect
from curation.labelstudio import local_server, read_snapshot
from curation.metrics.matching import compare
from curation.project import Project
from curation.review.pseudonyms import Pseudonyms

sys.path.insert(0, str(Path(__file__).parent))
import annotator_api
from simulated import ANNOTATORS, CORRECTED, LEFT_OPEN, SKIPPED, annotators_of, outcome_of

ROOT = Path(__file__).resolve().parent.parent

Submitted = dict[tuple[str, str], Annotation]
"""(article id, name of the annotator) → submitted annotation."""


def main() -> None:
    """Run the loop; the last line on stdout is one JSON object."""
    begin = time.monotonic()
    project = Project.open(ROOT / "curation.toml")
    if project.url is not None:
        sys.exit("error: the demo starts a Label Studio of its own; unset LABEL_STUDIO_URL and run it again")
    running = local_server.start(project.studio, on_progress=say)
    say(f"1. Label Studio {running.version} at {running.url}")
    predicted = project.preannotate()
    say(f"2. pre-annotated {predicted.annotated} articles: {predicted.entities} entities, {predicted.events} events")
    pushed = project.push()
    say(f"3. pushed: {pushed.sent} tasks sent, {pushed.already_there} already there")
    submitted, new, users = annotate(project, pushed.project_id)
    say("4. three simulated annotators edited the pre-annotations towards the gold, through the API")
    pulled = project.pull()
    exact = unchanged(Path(pulled.snapshot), submitted)
    say(f"5. pulled {pulled.tasks} tasks: {len(exact)} of {len(submitted)} submissions came back exactly as sent")
    if new - exact:
        sys.exit("error: a submission came back changed; see issues.jsonl in the snapshot")
    published = project.publish()
    release = published.release
    say(f"6. published v{release.version} in {release.folder}: {release.articles} articles")
    say(f"   people differ on {len(published.undecided)} articles: undecided until someone decides (`curation review`)")
    rows, example = load(release.folder)
    say(f"7. load_dataset reads it back: {', '.join(f'{count} {split}' for split, count in rows.items())}")
    say(f"   one event of the first article: {example}")
    report = project.report()
    show_corrections(project, submitted)
    say(f"The whole loop took {time.monotonic() - begin:.0f} s.")
    say(f"8. the report shows who agrees with whom, and on what: open {report.output} in a browser")
    pseudonyms = Pseudonyms.of(project.work)
    for annotator in ANNOTATORS:
        name = pseudonyms.key(f"person:ls-{users[annotator.name]}").removeprefix("person:")
        say(f"   {name} {annotator.mistake}")
    say(f"Now open {running.url}, log in as {running.username} with the password {running.password},")
    say("correct a task, then run: .venv/bin/curation pull && .venv/bin/curation publish")
    say("Label Studio keeps running until: .venv/bin/curation studio stop")
    counts = {
        "articles": predicted.articles,
        "tasks": pulled.tasks,
        "corrected": pulled.submitted,
        "skipped": pulled.skipped,
        "release": str(release.folder),
        "report": report.output,
        "studio_url": running.url,
    }
    print(json.dumps(counts))


def annotate(project: Project, project_id: int) -> tuple[Submitted, set[tuple[str, str]], dict[str, int]]:
    """Submit or skip the tasks on which nobody but the simulated annotators has worked.

    Returns all their submissions, which of them are new, and the annotators' ids in Label Studio.
    """
    schema = project.load_schema()
    gold = {annotation.article_id: annotation for annotation in read_set(project, project.gold or ROOT)}
    submitted: Submitted = {}
    new = set()
    with connect(project) as client:
        users = {annotator.name: annotator_api.annotator(client, annotator.email) for annotator in ANNOTATORS}
        tasks = {task.article_id: task for task in annotator_api.tasks(client, project_id)}
        pairs = paired(good_articles(project.articles), project.preannotations)
        for number, (article, prediction) in enumerate(pairs):
            task, target, outcome = tasks.get(article.id), gold.get(article.id), outcome_of(number)
            if task is None or target is None or prediction is None or outcome == LEFT_OPEN:
                continue
            for annotator in annotators_of(number):
                user, answer = users[annotator.name], annotator.answer(prediction, target)
                if outcome == CORRECTED:
                    submitted[article.id, annotator.name] = answer
                if user in task.by or (task.answered and not task.by) or task.by - set(users.values()):
                    continue  # done in an earlier run, or somebody else works on it
                if outcome == SKIPPED:
                    annotator_api.skip(client, task.id, by=user)
                    continue
                new.add((article.id, annotator.name))
                annotator_api.submit(
                    client,
                    task.id,
                    answer,
                    article,
                    schema,
                    prediction_id=task.prediction_id,
                    lead_time=annotator.lead_time(answer),
                    by=user,
                )
    return submitted, new, users


def unchanged(snapshot: Path, submitted: Submitted) -> set[tuple[str, str]]:
    """The submissions that are in the snapshot exactly as they were sent."""
    return {
        key
        for annotation in read_snapshot(snapshot).annotations()
        for key, sent in submitted.items()
        if (key[0], sent.text_sha256) == (annotation.article_id, annotation.text_sha256)
        and compare(sent, annotation).equal
    }


def load(release: Path) -> tuple[dict[str, int], str]:
    """Rows of each split, as `datasets.load_dataset` reads the release folder, and one event of the first row."""
    import datasets

    datasets.disable_progress_bars()
    loaded = datasets.load_dataset(str(release), "documents")
    row = loaded["train"][0]
    types = loaded["train"].features["events"].feature["type"]
    roles = loaded["train"].features["events"].feature["arguments"].feature["role"]
    texts = {item["id"]: item["text"] for item in (*row["entities"], *row["events"])}
    event = max(row["events"], key=lambda event: len(event["arguments"]))
    fillers = (f"{roles.int2str(each['role'])} {texts[each['filler']]!r}" for each in event["arguments"])
    example = f"{types.int2str(event['type'])} {event['text']!r}: {', '.join(fillers)}"
    return {split: len(rows) for split, rows in loaded.items()}, example


def show_corrections(project: Project, submitted: Submitted) -> None:
    """A table of the items that the engine predicted, and of those that the first annotator changed."""
    first = {article_id: annotation for (article_id, _), annotation in reversed(submitted.items())}
    table = Table(title="Predicted items, and their corrections", title_justify="left", box=None)
    for column in ("article", "entities", "events", "arguments", "kept", "changed", "deleted", "added"):
        table.add_column(column, justify="left" if column == "article" else "right", no_wrap=column == "article")
    totals = [0] * 7
    for article, prediction in paired(good_articles(project.articles), project.preannotations):
        if prediction is None:
            continue
        arguments = sum(len(event.arguments) for event in prediction.events)
        predicted = [len(prediction.entities), len(prediction.events), arguments]
        if article.id not in first:
            table.add_row(article.id, *map(str, predicted), *["–"] * 4, style="dim")
            continue
        comparison = compare(first[article.id], prediction)
        kinds = [pair.kind for pair in (*comparison.entities, *comparison.events)]
        changed = sum(kinds.count(kind) for kind in ("type", "border", "both"))
        row = [*predicted, kinds.count("same"), changed, kinds.count("spurious"), kinds.count("missed")]
        table.add_row(article.id, *map(str, row))
        totals = [total + count for total, count in zip(totals, row, strict=True)]
    table.add_section()
    table.add_row("all corrected articles", *map(str, totals), style="bold")
    Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 120).print(table)


if __name__ == "__main__":
    try:
        main()
    except CurationError as error:
        sys.exit(f"error: {error}")
