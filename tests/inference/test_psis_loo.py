"""PSIS-LOO against the exact answer for the mean of normal numbers."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

from bonecycle.inference.sampling.arviz_side import psis_loo

Y = np.array([0.3, -0.5, 1.1, 0.2, -0.9, 0.8, 0.1, -0.2])


@pytest.mark.filterwarnings("default")
def test_loo_is_exact_for_the_mean_of_normal_numbers():
    rng = np.random.default_rng(1)
    n = len(Y)
    mean = Y.mean() + rng.standard_normal((4, 2000)) / np.sqrt(n)
    terms = np.concatenate(
        [norm.logpdf(Y, mean[..., None], 1), np.full((4, 2000, 1), np.log(0.5))], axis=-1
    )
    posterior = xr.Dataset({"mean": (("chain", "draw"), mean)})
    labels = [*(f"study:arm:CTX:{i}" for i in range(n)), "study:arm:Cn.C:1"]
    tree = xr.DataTree.from_dict(
        {
            "posterior": posterior,
            "log_likelihood": xr.Dataset(
                {"targets": (("chain", "draw", "target"), terms)}, coords={"target": labels}
            ),
        }
    )
    found = psis_loo(tree)
    # A direction about which no draw says anything.
    constant = found.iloc[-1]
    assert constant["elpd_loo"] == np.log(0.5) and constant["reliable"]
    assert found["target"].tolist() == labels
    found = found.iloc[:-1]
    others = (Y.sum() - Y) / (n - 1)
    exact = norm.logpdf(Y, others, np.sqrt(1 + 1 / (n - 1)))
    np.testing.assert_allclose(found["elpd_loo"], exact, atol=0.03)
    assert found["reliable"].all() and (found["k_hat"] < 0.5).all()
