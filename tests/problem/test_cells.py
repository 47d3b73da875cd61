"""Facts about cells as a problem: rules of fusion, denominators, draws."""

from __future__ import annotations

import numpy as np
import pytest

from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.engines.choice import EngineName
from bonecycle.errors import UsageError
from bonecycle.problem.problem import ProblemSpec, load_problem
from bonecycle.problem.space import fitted_space


def test_a_fit_of_the_cycle_frees_nothing_of_the_route() -> None:
    own = compose("cycle", ("alendronate",)).parameters
    assert set(fitted_space((), ("alendronate",)).names) <= set(own)
    assert "fusion_gain" not in own


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (ProblemSpec("H0", model="route"), "Unknown rule of fusion 'H0'"),
        (ProblemSpec("maturity", "logit", model="route"), "Unknown encoding 'logit'"),
    ],
)
def test_unknown_names_are_refused(spec: ProblemSpec, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_problem(spec)


@pytest.mark.slow
def test_the_two_facts_about_fusion_have_their_own_denominators() -> None:
    """One parameter moves both, by different amounts: events in a dish, osteoclasts in bone."""
    predictions = {}
    for rule in catalogue.fusion_rules():
        problem = load_problem(ProblemSpec(rule, model="route", engine=EngineName.ROADRUNNER))
        names = [target.study for target in problem.targets]
        centre = problem.space.centers
        more = centre.copy()
        more[problem.space.names.index("multinucleated_contact")] += 1
        values = problem.evaluate(np.array([centre, more])).predictions
        predictions[rule] = dict(zip(names, values.T, strict=True))
    for rule, found in predictions.items():
        for fact in ("fusion_events", "sequential"):
            falls = found[fact][1] < found[fact][0] < 100
            assert falls if rule != "founder" else (found[fact] == 100).all(), (rule, fact)
    assert predictions["maturity"]["fusion_events"][0] > predictions["random"]["fusion_events"][0]
    sizes = {
        t.observation.site for t in problem.targets if t.study in ("fusion_events", "sequential")
    }
    assert len(sizes) == 2


@pytest.mark.slow
def test_the_film_excludes_a_rule_without_fusions_of_multinucleated_cells() -> None:
    from bonecycle.analysis.fusion_rules import fit_rules, rule_table

    rules = list(catalogue.fusion_rules())
    printed = rule_table(fit_rules(rules, "printed", starts=1)).set_index("rule")
    left = rule_table(fit_rules(rules, "complement", starts=1)).set_index("rule")
    # Two rules apart by less than four are not told apart.
    assert printed["log_evidence"].min() > -4
    assert left["log_evidence"]["founder"] < -100
    assert left.drop("founder")["log_evidence"].min() > -5


def test_errors_are_those_of_the_table() -> None:
    problem = load_problem(ProblemSpec("maturity", model="route", engine=EngineName.ROADRUNNER))
    log_sd = [target.log_sd for target in problem.targets]
    np.testing.assert_allclose(problem.error_factor, np.diag(log_sd))
