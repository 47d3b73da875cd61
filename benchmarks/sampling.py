"""Effective samples a second of the same sampler with either engine inside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from bonecycle.biology.dosing import Dosing
from bonecycle.engines.choice import EngineName
from bonecycle.inference.sampling.ensembles import short_chain
from bonecycle.inference.sampling.run import PosteriorDensity, sample
from bonecycle.problem.problem import ProblemSpec

MECHANISM = "H1"
_STEPS = 10  # of ours, timed together
_POINTS = 4  # that roadrunner simulates; a step simulates one a walker


def effective_samples(rounds: int, quick: bool) -> dict[str, object]:
    """Seconds of a step of one ensemble, interleaved by engine, for both ways to give doses.

    The walkers are those in which the default run of the mechanism ends, so that both engines
    simulate draws from the posterior; its autocorrelation time turns steps into effective samples.
    Ours takes steps of the sampler, overhead included. Roadrunner simulates a few of the walkers,
    and the time of a step follows from that. Doses one by one cost it minutes: three rounds.
    """
    spec = ProblemSpec(mechanism=MECHANISM)
    with TemporaryDirectory() as folder:
        run = sample(spec, Path(folder), max_steps=50 if quick else 5000)
        walkers = run.ensembles.chains(run.state.steps)[0, -1]
    seconds: dict[str, dict[str, list[float]]] = {}
    differ = 0.0
    for dosing in (Dosing.AVERAGED, Dosing.EVENTS):
        ours, reference = (
            PosteriorDensity(replace(spec, dosing=dosing, engine=engine))
            for engine in (EngineName.KERNEL, EngineName.ROADRUNNER)
        )
        points = walkers[:_POINTS]
        differ = max(differ, float(np.abs(ours(points) - reference(points)).max()))
        times: dict[str, list[float]] = {"ours": [], "roadrunner": []}
        for number in range(rounds if dosing is Dosing.AVERAGED else min(rounds, 3)):
            start = perf_counter()
            seed = np.random.SeedSequence(number)
            short_chain(ours, run.ensembles.moves, walkers, steps=_STEPS, seed=seed)
            middle = perf_counter()
            reference(points)
            times["ours"].append((middle - start) / _STEPS)
            times["roadrunner"].append((perf_counter() - middle) * len(walkers) / _POINTS)
        seconds[dosing.value] = times
    return {
        "mechanism": MECHANISM,
        "parameters": walkers.shape[1],
        "walkers": len(walkers),
        "tau": float(run.state.tau.max()),
        "log_density_differs": differ,
        "seconds_per_step": seconds,
    }
