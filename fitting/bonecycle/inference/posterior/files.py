"""A posterior as a file: an `xarray.DataTree` in ArviZ's groups, and its way back to theta.

Chains are independent ensembles. Variables of `posterior` and `prior` are parameters in their
own units; `theta_draws` gives them on the scales of the priors, as a problem wants them.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import xarray as xr

from bonecycle.biology.dosing import Dosing
from bonecycle.engines.choice import EngineName
from bonecycle.engines.interface import Floats
from bonecycle.errors import UsageError
from bonecycle.manifest import atomic_write
from bonecycle.problem.problem import ProblemSpec, load_problem


def write_posterior(path: Path, tree: xr.DataTree) -> None:
    """Write a posterior as netCDF, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        written = Path(folder) / path.name
        tree.to_netcdf(written, engine="h5netcdf")
        atomic_write(path, written.read_bytes())


def read_posterior(path: Path) -> xr.DataTree:
    """Read a posterior whole into memory.

    Raises
    ------
    UsageError
        When there is none, or the file is no posterior.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file. `bonecycle sample` writes posterior.nc.")
    try:
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            loaded = tree.load()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    if "spec" not in loaded.attrs or "posterior" not in loaded.children:
        raise UsageError(f"{path} is no posterior of `bonecycle sample`.")
    return loaded


def spec_text(spec: ProblemSpec) -> str:
    """A specification as the JSON that the root attribute `spec` holds."""
    return json.dumps(asdict(spec))


def spec_of(tree: xr.DataTree) -> ProblemSpec:
    """Return the specification of the problem that was sampled."""
    values = json.loads(tree.attrs["spec"])
    values |= {
        "data": tuple(values["data"]),
        "dosing": Dosing(values["dosing"]),
        "engine": EngineName(values["engine"]),
    }
    return ProblemSpec(**values)


def theta_draws(tree: xr.DataTree, n: int, seed: int = 0) -> Floats:
    """Draws of the posterior on the scales of the priors.

    Parameters
    ----------
    tree : DataTree
        As `read_posterior` gives it.
    n : int
        How many; thinned evenly, the same number from each chain, up to one.
    seed : int
        Where the thinning begins.

    Returns
    -------
    ndarray, shape (n, n_parameters)
        In the order of `Space.names`.

    Raises
    ------
    UsageError
        When there are fewer draws.
    """
    space = load_problem(spec_of(tree)).space
    posterior = tree["posterior"].to_dataset()
    values = np.stack([posterior[name].to_numpy() for name in space.names], axis=-1)
    chains, draws, _ = values.shape
    if not 0 < n <= chains * draws:
        raise UsageError(f"{n} draws were asked for: the posterior holds {chains * draws}.")
    rng = np.random.default_rng(seed)
    parts = []
    for chain, count in enumerate(np.diff(np.linspace(0, n, chains + 1).round().astype(int))):
        places = ((np.arange(count) + rng.uniform()) * draws / max(count, 1)).astype(int)
        parts.append(values[chain, places])
    return space.from_natural(np.concatenate(parts))
