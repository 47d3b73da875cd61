"""The surface covers every variant, and only strengths change with the prior scale."""

from dataclasses import replace

import numpy as np
import pandas as pd

from bonecycle.inference.comparison.surface import cells, surface_table
from bonecycle.problem.problem import ProblemSpec, load_problem
from bonecycle.studies.error_model import load_encodings

SPEC = ProblemSpec("H1+H3")


def test_every_encoding_error_and_prior_is_a_cell():
    made = cells(SPEC, [0.0])
    variants = {(c.spec.encoding, c.spec.error_scale, c.spec.prior_scale) for c in made}
    assert len(variants) == len(made) == 9 * len(load_encodings())
    assert len({cell.key for cell in made[:9]}) == 9


def test_only_the_strengths_of_mechanisms_get_other_priors():
    for spec in (SPEC, ProblemSpec("H0")):
        narrow = load_problem(replace(spec, prior_scale=0.5)).space
        usual = load_problem(spec).space
        strengths = np.array([bool(p.mechanism) for p in usual.parameters])
        np.testing.assert_allclose(narrow.sds[strengths], 0.5 * usual.sds[strengths])
        np.testing.assert_array_equal(narrow.sds[~strengths], usual.sds[~strengths])
        np.testing.assert_array_equal(narrow.centers, usual.centers)
        assert strengths.any() == (spec.mechanism != "H0")


def test_behind_is_measured_within_a_variant():
    rows = [("H0", "a", -9.0), ("H1", "a", -4.0), ("H0", "b", -1.0), ("H1", "b", -2.0)]
    table = pd.DataFrame(rows, columns=["mechanism", "encoding", "log_evidence"])
    table = table.assign(error_scale=1.0, prior_scale=1.0)
    assert surface_table(table.to_dict("records"))["behind"].tolist() == [5.0, 0.0, 0.0, 1.0]


def test_nothing_is_behind_a_best_that_is_not_known():
    rows = [("H0", "a", np.nan), ("H1", "a", -4.0), ("H0", "b", -1.0), ("H1", "b", -2.0)]
    table = pd.DataFrame(rows, columns=["mechanism", "encoding", "log_evidence"])
    table = table.assign(error_scale=1.0, prior_scale=1.0)
    behind = surface_table(table.to_dict("records"))["behind"].to_numpy()
    np.testing.assert_array_equal(behind, [np.nan, np.nan, 0.0, 1.0])
