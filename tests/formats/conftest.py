"""Small CoNLL files of several kinds; and a cache for `datasets` outside the home folder."""

from __future__ import annotations

from pathlib import Path

import pytest

CONLL_2003 = "-DOCSTART- -X- -X- O\n\nKarsk NNP B-NP B-LOC\nfell VBD B-VP O\n. . O O\n"
CONLL_2002 = "El DA O\nKarsk NC B-LOC\ndel SP I-LOC\nSur NC I-LOC\n\n"
GERMEVAL = (
    "#\thttp://example.org/one [2031-01-01]\n1\tKarsker\tB-LOCderiv\tO\n2\tBank\tO\tO\n\n"
    "#\thttp://example.org/two [2031-01-01]\n1\tFC\tB-ORG\tO\n2\tKarsk\tI-ORG\tB-LOC\n3\t#\tO\tO\n"
)
CONLL_U = (
    "# newdoc id = kar-1\n# sent_id = 1\n# text = Karsk fell, del Sur.\n"
    "1\tKarsk\tKarsk\tPROPN\t_\t_\t2\tnsubj\t_\tNER=B-LOC\n2\tfell\tfall\tVERB\t_\t_\t0\troot\t_\tSpaceAfter=No\n"
    "3\t,\t,\tPUNCT\t_\t_\t2\tpunct\t_\t_\n4-5\tdel\t_\t_\t_\t_\t_\t_\t_\t_\n4\tde\tde\tADP\t_\t_\t6\tcase\t_\t_\n"
    "5\tel\tel\tDET\t_\t_\t6\tdet\t_\t_\n5.1\tx\tx\tX\t_\t_\t_\t_\t_\t_\n"
    "6\tSur\tSur\tPROPN\t_\t_\t2\tobl\t_\tNER=B-LOC|SpaceAfter=No\n7\t.\t.\tPUNCT\t_\t_\t2\tpunct\t_\t_\n\n"
)
CONLL_2012 = (
    "#begin document (bn/kar/00/kar_0001); part 000\n"
    "bn/kar/00 0 0 The DT (NP* - - - - (ORG* * -\nbn/kar/00 0 1 Karsk NNP * - - - - * * -\n"
    "bn/kar/00 0 2 Bank NNP *) - - - - *) * -\nbn/kar/00 0 3 of IN * - - - - * -\n"
    "bn/kar/00 0 4 Torvan NNP * - - - - (GPE) (ARG0*) -\n\n#end document\n"
)


@pytest.fixture
def datasets_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own, and no progress bars."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")
    datasets.disable_progress_bars()
