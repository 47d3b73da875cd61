"""Every example of every command's help runs, on a small budget, one after the other."""

from __future__ import annotations

import shlex
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from small_budget import COMMANDS, SMALL, TABLES, examples, fault_of, lighten
from synthetic import STUDY_HEADER, study_row

from bonecycle.biology.safe_antimony import antimony_to_sbml

# petab uses what pandas has come to deprecate.
pytestmark = pytest.mark.filterwarnings("ignore:The (inplace keyword|'float_precision')")

# In the order in which one leaves what the next needs; each chain has a folder of its own.
CHAINS = {
    "tables": ["list", "data template", "data check"],
    "models": ["simulate", "export petab"],
    "inference": [
        *(
            "fit",
            "export sbml",
            "export omex",
            "sample",
            "predict",
            "population",
            "design",
            "biopsy",
        ),
        *("profile", "compare", "report"),
    ],
    "checks": ["calibrate", "recovery"],
    "sensitivity": ["sensitivity local", "sensitivity morris", "sensitivity sobol"],
    "drugs": ["pharmacokinetics"],
    "route": ["route fit", "route perturbations"],
    "metastasis": ["metastasis fit", "metastasis regimens", "metastasis cells", "trial"],
}
DATA = files("bonecycle_data")
OWN_MODEL = b"""model own()
  S1 = 1; S2 = 0; loss = 0.1; block = 0;
  -> S1; loss * (1 - block);
  S1 -> S2; loss * S1;
end"""
OWN_MAP = """kind,name,model_id,factor,action,center,sd,scale
observable,CTX,S1,1,,,,
parameter,,loss,,,0.1,0.5,log
dose,denosumab,block,0.3,set,,,
start,initial_state,,,,,,
"""
REGIMEN = "denosumab 60 mg sc every 6 months for 12 months"


def prepare(folder: Path) -> None:
    """Write the files of one's own that examples name."""
    (folder / "FILE.xml").write_bytes(antimony_to_sbml("own.ant", OWN_MODEL))
    (folder / "FILE.csv").write_text(OWN_MAP, encoding="utf-8")
    rows = [study_row("CTX", month, 0.4, REGIMEN, "treated") for month in (0.5, 1, 6)]
    (folder / "STUDY.csv").write_text(STUDY_HEADER + "".join(rows), encoding="utf-8")
    weekly = "alendronate 70 mg oral every 1 week for 12 months"
    row = study_row("CTX", 12, 0.4, weekly, "treated")
    (folder / "ALENDRONATE.csv").write_text(STUDY_HEADER + row, encoding="utf-8")
    shutil.copy(TABLES[1], folder / "mine.csv")
    designs = (DATA / "trials.csv").read_text(encoding="utf-8").replace("powles,", "mine,")
    (folder / "designs.csv").write_text(designs, encoding="utf-8")


def test_every_command_has_examples_that_some_chain_runs() -> None:
    assert sorted(name for chain in CHAINS.values() for name in chain) == sorted(COMMANDS)
    assert SMALL.keys() == COMMANDS.keys()
    for name in COMMANDS:
        assert examples(name), f"{name} --help shows no example"
        assert all(" ".join(words).startswith(name) for words in examples(name))


# Cheap ones run every time: those of data and biopsy in test_own_biopsies.py.
@pytest.mark.slow
@pytest.mark.parametrize("chain", CHAINS)
def test_the_examples_of_the_help_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chain: str
) -> None:
    monkeypatch.chdir(tmp_path)
    lighten(monkeypatch)
    prepare(tmp_path)
    if chain == "inference":
        # What `fit --petab problem.yaml` reads.
        assert not fault_of(shlex.split("export petab --mechanism H0 --data STUDY.csv --out ."))
    faults = []
    for command in CHAINS[chain]:
        for arguments in examples(command):
            faults.append(fault_of(arguments))
            if not faults[-1] and "--out" in arguments:
                assert (tmp_path / arguments[arguments.index("--out") + 1]).exists()
    assert not any(faults), "\n\n".join(filter(None, faults))
