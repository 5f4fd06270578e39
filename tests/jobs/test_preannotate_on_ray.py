"""Pre-annotation on a real Ray cluster of this machine, from and to S3 as moto's server speaks it."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from curation.errors import BadInput, EngineError, WorkerError
from curation.jobs.preannotate import PreannotateResult, preannotate
from curation.project import Project

ray = pytest.importorskip("ray")
s3fs = pytest.importorskip("s3fs")
moto_server = pytest.importorskip("moto.server")

ROOT = Path(__file__).resolve().parents[2]
ARTICLES = 900
BUCKET = "gazette"
ENGINE = """
import os
from curation.annotation import Annotation, Annotator, Entity, annotation_id
from curation.errors import EngineError
from curation.engines import Engine

class Slow(Engine):
    annotator = Annotator(kind="engine", name="slow", version="1")
    def __init__(self, schema, *, lexicon, model=None, seconds=0.0):
        self.schema = schema
        self.words = len(lexicon.read_text()) if lexicon else 0
    def __call__(self, article):
        if article.id == "a850" and os.path.exists(os.environ["SLOW_LOG"] + ".stop"):
            raise RuntimeError("the power is out")
        with open(os.environ["SLOW_LOG"], "a") as log:
            log.write(f"{article.id} {os.getpid()} {self.words}\\n")
        if article.id.endswith("7"):
            self.leave_out(article.id, {"sevens": 1})
        if article.id == "a100":
            raise EngineError("it does not like a hundred")
        entity = Entity(id="e1", type="GPE", start=0, end=len(article.text.split()[0]))
        return Annotation(id=annotation_id(article.id), article_id=article.id, text_sha256=article.text_sha256,
                          schema=self.schema.ref, annotator=self.annotator, entities=(entity,))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Three files of articles, here and in a bucket, an engine of another package that keeps a log, and a cluster."""
    folder = tmp_path_factory.mktemp("cluster")
    code = folder / "code"
    about = code / "slow_engine-1.0.dist-info"
    about.mkdir(parents=True)
    (code / "slow_engine.py").write_text(ENGINE, encoding="utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-engine\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[curation.engines]\nslow = slow_engine:Slow\n", encoding="utf-8")
    lines = [json.dumps({"id": f"a{number}", "text": f"Kelmar{number} \U0001f680 no."}) for number in range(ARTICLES)]
    lines[400] = '{"id": "a400"'
    (folder / "in").mkdir()
    for name, part in (("one", lines[:100]), ("two", lines[100:500]), ("zoo", lines[500:])):
        (folder / "in" / f"{name}.jsonl").write_text("\n".join(part) + "\n", encoding="utf-8")
    (folder / "curation.toml").write_text(
        '[project]\nname = "small"\narticles = ["in"]\n'
        f"schema = {json.dumps(str(ROOT / 'schemas' / 'conflict-news.yaml'))}\n",
        encoding="utf-8",
    )
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "key-of-nobody",
            "AWS_SECRET_ACCESS_KEY": "secret-of-nobody",
            "PYTHONPATH": os.pathsep.join(filter(None, (str(code), os.environ.get("PYTHONPATH")))),
            "SLOW_LOG": str(folder / "log"),
        }.items():
            patch.setenv(name, value)
        patch.syspath_prepend(str(code))
        s3fs.S3FileSystem.clear_instance_cache()
        storage().mkdir(BUCKET)
        storage().put(str(folder / "in"), f"{BUCKET}/in", recursive=True)
        try:
            yield folder
        finally:
            ray.shutdown()
            server.stop()
            s3fs.S3FileSystem.clear_instance_cache()


def storage() -> Any:
    return s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)


def run(project: Path, **given: Any) -> PreannotateResult:
    return preannotate(Project.open(project / "curation.toml"), engine="slow", **given)


def annotated(project: Path) -> Counter[str]:
    """How often each article was annotated since the last look."""
    log = project / "log"
    found = Counter(line.split()[0] for line in log.read_text().splitlines())
    log.unlink()
    return found


def test_an_interrupted_run_goes_on_and_the_bytes_are_those_of_one_worker(project: Path) -> None:
    one = run(project, out=project / "one.jsonl")
    assert (one.articles, one.annotated, one.refused, one.kept) == (ARTICLES, ARTICLES - 2, 2, 0)
    assert one.reasons["it does not like a hundred"] == 1
    assert one.left_out == {"sevens": ARTICLES // 10}
    assert len(annotated(project)) == ARTICLES - 1

    where = {"articles": [f"s3://{BUCKET}/in"], "out": f"s3://{BUCKET}/out/said.jsonl", "workers": 2}
    for _ in range(4):  # a busy machine may take longer than Ray waits
        try:
            ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
            break
        except Exception:
            ray.shutdown()

    (project / "log.stop").touch()
    with pytest.raises(WorkerError, match=r"^on the cluster: .*the power is out"):
        run(project, **where, ray="local")
    finished = storage().glob(f"{BUCKET}/out/said.parts/*.jsonl")
    assert 2 <= len(finished) <= 3
    assert not storage().exists(f"{BUCKET}/out/said.jsonl")
    (project / "log.stop").unlink()
    annotated(project)

    counts: list[tuple[int, int]] = []
    two = run(project, **where, ray="local", on_progress=lambda count, total, left: counts.append((count, total)))
    assert two.kept >= 200 * len(finished)
    assert sum(annotated(project).values()) == ARTICLES - 1 - two.kept
    assert counts[-1] == (ARTICLES - 1, ARTICLES - 1)
    same = {"kept": 0, "out": "", "problems": ()}
    assert two.model_copy(update=same) == one.model_copy(update=same)
    assert len(two.problems) == 2
    assert storage().cat(f"{BUCKET}/out/said.jsonl") == (project / "one.jsonl").read_bytes()
    assert storage().find(f"{BUCKET}/out") == [f"{BUCKET}/out/said.jsonl"]

    with pytest.raises(EngineError, match=r"^engine slow has no option 'speed'; its options: seconds$"):
        run(project, **where, ray="local", options={"speed": 1})
    with pytest.raises(BadInput, match=r"no article could be annotated: .*nowhere: no articles there"):
        run(project, articles=[f"s3://{BUCKET}/nowhere"], out=project / "none.jsonl", ray="local", workers=2)
    assert not (project / "none.jsonl").exists()


def test_an_address_needs_a_cluster(project: Path) -> None:
    with pytest.raises(
        BadInput, match=r"said\.jsonl: is an address; work on a cluster \(--ray local starts one here\)"
    ):
        run(project, out=f"s3://{BUCKET}/said.jsonl")
