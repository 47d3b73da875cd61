"""Virtual patients: correlations as scipy computes them, and signs of known mechanisms."""

from importlib.resources import files

import numpy as np
import pytest
from scipy.stats import spearmanr

from bonecycle.analysis.draws import Draws
from bonecycle.analysis.population import (
    correlation_table,
    critical_rho,
    reported_pairs,
    simulate_population,
    spearman,
    spreads,
)
from bonecycle.biology import catalogue
from bonecycle.biology.regimens import parse_regimen
from bonecycle.problem.problem import ProblemSpec, load_problem

DATA = (str(files("bonecycle_data") / "studies" / "mcclung_2005.csv"),)
REGIMEN = parse_regimen("alendronate 10 mg oral every 1 day for 24 months")


def test_spearman_is_that_of_scipy():
    first, second = np.random.default_rng(0).normal(size=(2, 5, 30)).round(1)  # with ties
    expected = [spearmanr(a, b).statistic for a, b in zip(first, second, strict=True)]
    assert spearman(first, second) == pytest.approx(expected)
    assert spearman(np.ones((1, 4)), second[:1, :4]) == 0


def test_the_critical_correlation_has_its_p():
    first = np.arange(40.0)
    rhos, ps = np.array(
        [spearmanr(first, first + np.random.default_rng(i).normal(size=40) * 30) for i in range(60)]
    ).T
    assert ((np.abs(rhos) > critical_rho(40)) == (ps < 0.05)).all()


def test_the_tables_name_parameters_and_observables():
    found, biopsy = spreads()
    assert {"untreated_births", "recruitment_rate", "canopy_coverage"} <= set(found)
    assert biopsy > 0
    # Every number says where it is from.
    assert all(s.note and (s.source != "none" or s.status == "assumed") for s in found.values())
    for pair in reported_pairs():
        assert {pair.first, pair.second} <= set(catalogue.observables())


def test_canopy_and_formation_correlate_where_the_canopy_is_lost():
    outputs = list(dict.fromkeys(n for p in reported_pairs() for n in (p.first, p.second)))
    tables = {}
    for name in ("H0", "H3"):
        spec = ProblemSpec(name, data=DATA)
        draws = Draws(spec, np.tile(load_problem(spec).space.centers, (4, 1)), "test")
        population = simulate_population(draws, REGIMEN, 24.0, outputs, 60)
        assert population.failed == 0 and population.treated.shape == (4, 60, len(outputs))
        again = simulate_population(draws, REGIMEN, 24.0, outputs, 60)
        assert np.array_equal(population.treated, again.treated)
        table = correlation_table(draws, population)
        tables[name] = table[table.group == "both arms, no biopsy error"].set_index(
            ["first", "second"]
        )
    pair = ("Cn_C", "Ac_f")
    assert tables["H3"].rho[pair] > 0.4 and tables["H3"].verdict[pair] == "reproduced"
    assert abs(tables["H0"].rho[pair]) < 0.25
