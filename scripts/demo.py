"""The whole loop on the sample corpus, unattended, through a real Label Studio. `make demo` runs it.

Run again, it goes on where things stand: what you corrected by hand in between is pulled and published, too.
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
from curation.jobs.connect import connect
from curation.jobs.preannotate import preannotate
from curation.jobs.publish import publish
from curation.jobs.pull import pull
from curation.jobs.push import paired, push
from curation.jobs.report import report
from curation.labelstudio import local_server, read_snapshot
from curation.metrics.matching import compare
from curation.project import Project
from curation.review.pseudonyms import Pseudonyms

sys.path.insert(0, str(Path(__file__).parent))
import annotator_api
from stand_in import CORRECTED, SKIPPED, STAND_INS, decide, turns

ROOT = Path(__file__).resolve().parent.parent

Submitted = dict[tuple[str, str], Annotation]
"""Article id and stand-in → what that one submitted."""


def main() -> None:
    """Run the loop; the last line on stdout is one JSON object."""
    begin = time.monotonic()
    project = Project.open(ROOT / "curation.toml")
    if project.url is not None:
        sys.exit("error: the demo starts a Label Studio of its own; unset LABEL_STUDIO_URL and run it again")
    running = local_server.start(project.studio, on_progress=say)
    say(f"1. Label Studio {running.version} at {running.url}")
    made = preannotate(project)
    say(f"2. pre-annotated {made.annotated} articles: {made.entities} entities, {made.events} events")
    sent = push(project)
    say(f"3. pushed: {sent.sent} tasks sent, {sent.already_there} already there")
    submitted, new, users = stand_ins(project, sent.project_id)
    say("4. three stand-in annotators (a program, through the API) edited the pre-annotations towards the gold")
    back = pull(project)
    exact = came_back(Path(back.snapshot), submitted)
    say(f"5. pulled {back.tasks} tasks: {len(exact)} of {len(submitted)} submissions came back exactly, span for span")
    if new - exact:
        sys.exit("error: what came back is not what was submitted; see the issues.jsonl of the snapshot")
    release = publish(project).release
    say(f"6. published v{release.version} in {release.folder}")
    rows, example = load(release.folder)
    say(f"7. load_dataset reads it back: {', '.join(f'{count} {split}' for split, count in rows.items())}")
    say(f"   one event of the first article: {example}")
    seen = report(project)
    picture(project, submitted, begin)
    say(f"8. the report shows who agrees with whom, and on what: open {seen.output} in a browser")
    pseudonyms = Pseudonyms.of(project.work)
    for one in STAND_INS:
        name = pseudonyms.key(f"person:ls-{users[one.name]}").removeprefix("person:")
        say(f"   {name} {one.mistake}")
    say(f"Now open {running.url}, log in as {running.username} with the password {running.password},")
    say("correct a task, then run: .venv/bin/curation pull && .venv/bin/curation publish")
    say("Label Studio keeps running until: .venv/bin/curation studio stop")
    counts = {
        "articles": made.articles,
        "tasks": back.tasks,
        "corrected": back.submitted,
        "skipped": back.skipped,
        "release": str(release.folder),
        "report": seen.output,
        "studio_url": running.url,
    }
    print(json.dumps(counts))


def stand_ins(project: Project, project_id: int) -> tuple[Submitted, set[tuple[str, str]], dict[str, int]]:
    """Answer the tasks nobody but the stand-ins has answered yet, each by whose turn it is.

    Returns what every submission says, which of them are new, and the stand-ins' numbers in Label Studio.
    """
    schema = project.load_schema()
    gold = {annotation.article_id: annotation for annotation in read_set(project, project.gold or ROOT)}
    submitted: Submitted = {}
    new = set()
    with connect(project) as client:
        users = {one.name: annotator_api.annotator(client, one.email) for one in STAND_INS}
        tasks = {task.article_id: task for task in annotator_api.tasks(client, project_id)}
        pairs = paired(good_articles(project.articles), project.preannotations)
        for place, (article, prediction) in enumerate(pairs):
            task, wanted, what = tasks.get(article.id), gold.get(article.id), decide(place)
            if task is None or wanted is None or prediction is None or what not in (CORRECTED, SKIPPED):
                continue
            for one in turns(place):
                user, answer = users[one.name], one.answer(prediction, wanted)
                if what == CORRECTED:
                    submitted[article.id, one.name] = answer
                if user in task.by or (task.answered and not task.by) or task.by - set(users.values()):
                    continue  # done before, or somebody else is at work on it
                if what == SKIPPED:
                    annotator_api.skip(client, task.id, by=user)
                    continue
                new.add((article.id, one.name))
                annotator_api.submit(
                    client,
                    task.id,
                    answer,
                    article,
                    schema,
                    prediction_id=task.prediction_id,
                    lead_time=one.lead_time(answer),
                    by=user,
                )
    return submitted, new, users


def came_back(snapshot: Path, submitted: Submitted) -> set[tuple[str, str]]:
    """Which submissions are in the snapshot exactly as they were sent."""
    exact = set()
    for annotation in read_snapshot(snapshot).annotations():
        for key, sent in submitted.items():
            same_text = key[0] == annotation.article_id and sent.text_sha256 == annotation.text_sha256
            if same_text and compare(sent, annotation).equal:
                exact.add(key)
    return exact


def load(release: Path) -> tuple[dict[str, int], str]:
    """Rows a split, as `datasets.load_dataset` reads the release folder, and one event of the first row in words."""
    import datasets

    datasets.disable_progress_bars()
    loaded = datasets.load_dataset(str(release), "documents")
    row = loaded["train"][0]
    types = loaded["train"].features["events"].feature["type"]
    roles = loaded["train"].features["events"].feature["arguments"].feature["role"]
    words = {item["id"]: item["text"] for item in (*row["entities"], *row["events"])}
    event = max(row["events"], key=lambda one: len(one["arguments"]))
    said = ", ".join(f"{roles.int2str(one['role'])} {words[one['filler']]!r}" for one in event["arguments"])
    example = f"{types.int2str(event['type'])} {event['text']!r}: {said}"
    return {split: len(rows) for split, rows in loaded.items()}, example


def picture(project: Project, submitted: Submitted, begin: float) -> None:
    """The table at the end: what the engine said, and what the first to correct it left, changed and added."""
    first = {article_id: annotation for (article_id, _), annotation in reversed(submitted.items())}
    table = Table(title="What the engine said, and what correcting it took", title_justify="left", box=None)
    for column in ("article", "entities", "events", "arguments", "kept", "changed", "deleted", "added"):
        table.add_column(column, justify="left" if column == "article" else "right", no_wrap=column == "article")
    totals = [0] * 7
    for article, prediction in paired(good_articles(project.articles), project.preannotations):
        if prediction is None:
            continue
        said = [
            len(prediction.entities),
            len(prediction.events),
            sum(len(event.arguments) for event in prediction.events),
        ]
        if article.id not in first:
            table.add_row(article.id, *map(str, said), *["–"] * 4, style="dim")
            continue
        seen = compare(first[article.id], prediction)
        kinds = [pair.kind for pair in (*seen.entities, *seen.events)]
        changed = sum(kinds.count(kind) for kind in ("type", "border", "both"))
        work = [kinds.count("same"), changed, kinds.count("spurious"), kinds.count("missed")]
        table.add_row(article.id, *map(str, (*said, *work)))
        totals = [one + two for one, two in zip(totals, (*said, *work), strict=True)]
    table.add_section()
    table.add_row("corrected articles together", *map(str, totals), style="bold")
    console = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 120)
    console.print(table)
    console.print(f"The whole loop took {time.monotonic() - begin:.0f} s.")


if __name__ == "__main__":
    try:
        main()
    except CurationError as error:
        sys.exit(f"error: {error}")
