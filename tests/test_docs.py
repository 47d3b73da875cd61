"""The documentation builds without a warning, and its generated pages say what the model is."""

import re
import subprocess
import sys
from pathlib import Path

import libsbml
import numpy as np
import pytest

from bonecycle.biology import catalogue
from bonecycle.biology.compose import Build, compose

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools.document import as_page, observables_table, parameters_page  # noqa: E402
from tools.equations import equations, equations_page, latex  # noqa: E402


def math(text: str) -> libsbml.ASTNode:
    return libsbml.parseL3Formula(text)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("a * (b + c)", r"\mathrm{a} \cdot \left(\mathrm{b} + \mathrm{c}\right)"),
        ("a - (b - c)", r"\mathrm{a} - \left(\mathrm{b} - \mathrm{c}\right)"),
        ("(a + b) / c_x", r"\frac{\mathrm{a} + \mathrm{b}}{\mathrm{c\_x}}"),
        ("(a * b)^k", r"\left(\mathrm{a} \cdot \mathrm{b}\right)^{\mathrm{k}}"),
        ("exp(-a)", r"\exp\left(-\mathrm{a}\right)"),
        ("1 - s_3", r"1 - \mathrm{s}_{3}"),
    ],
)
def test_formulas_become_latex(formula: str, expected: str) -> None:
    assert latex(math(formula)) == expected


def test_a_link_of_a_chain_is_written_relative_to_its_number() -> None:
    text = latex(math("2.5 * rate_3 * site_2 + top_4"), 3)
    assert text == (
        r"\left(i - 0.5\right) \cdot \mathrm{rate}_{i} \cdot \mathrm{site}_{i-1} + "
        r"\mathrm{top}_{i+1}"
    )


def test_every_reaction_and_rule_of_the_sbml_is_on_the_page() -> None:
    model = compose("cycle", ("alendronate", "denosumab"))
    source = libsbml.readSBMLFromString(model.sbml).getModel()
    found = equations(model)
    assert len(found) == source.getNumReactions() + source.getNumRules()
    page = equations_page(model)
    left = {e.name for e in found if not e.reactant and e.index is None}
    for name in left:
        shown = rf"\mathrm{{{name}}} &=".replace("_", r"\_")
        assert shown in page, name
    assert page.count(r"\frac{d}{dt}") == sum(e.is_rate for e in found)
    # Folded chains cover all their members.
    ladder = r"\mathrm{reversal\_climb\_rate}_{i} &="
    assert page.count(ladder) == 1
    assert re.search(re.escape(ladder) + r".*i = 1, \\ldots, 8", page)


def test_the_page_follows_the_model() -> None:
    longer = equations_page(compose("cycle", ("alendronate",), Build(reversal=6)))
    assert r"i = 1, \ldots, 6" in longer
    assert "denosumab" not in longer


def test_tables_hold_every_parameter_and_observable() -> None:
    parameters = parameters_page()
    assert all(f"`{name}`" in parameters for name in catalogue.parameters())
    assert "`zoledronate_renal_clearance`" in parameters
    rows = observables_table().splitlines()
    shown = {name for model in catalogue.models() for name in catalogue.observables_of(model)}
    assert len(rows) == len(shown) + 2
    assert all(np.array([row.count("|") for row in rows]) >= 5)


def test_links_lead_to_pages_from_wherever_the_file_lies() -> None:
    text = "[a](docs/engine.md) [b](LICENSE) ![f](docs/figures/x.png) [w](https://x.org)"
    page = as_page(text, ROOT, ROOT / "docs")
    assert page == "[a](engine.md) b (`LICENSE`) ![f](figures/x.png) [w](https://x.org)"
    folder = ROOT / "docs" / "howto"
    text = "[d](../../data/bonecycle_data/README.md) [e](../engine.md)"
    assert as_page(text, folder, folder) == "[d](../generated/data.md) [e](../engine.md)"


def test_the_documentation_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    answer = subprocess.run(
        [*command, "-d", tmp_path / "trees", ROOT / "docs", tmp_path / "site"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    front = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "Do bisphosphonates only slow bone resorption" in front
    assert "<math" in (tmp_path / "site" / "generated" / "equations.html").read_text(
        encoding="utf-8"
    )
