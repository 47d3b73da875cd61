"""diffrax (Kvaerno5, compiled by JAX, batches by vmap) on the same expressions as the kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.cases import Arm
from benchmarks.competitors.interface import NotMeasured, Run
from bonecycle.engines.interface import Floats
from bonecycle.engines.kernel.graph import Graph
from bonecycle.engines.kernel.reading import System, read_system

_OPERATIONS = {
    "add": "({} + {})",
    "sub": "({} - {})",
    "mul": "({} * {})",
    "div": "({} / {})",
    "neg": "(-{})",
    "exp": "jnp.exp({})",
    "log": "jnp.log({})",
    "sqrt": "jnp.sqrt({})",
    "lt": "({} < {})",
    "le": "({} <= {})",
    "and": "({} & {})",
    "or": "({} | {})",
    "not": "(~{})",
    "select": "jnp.where({}, {}, {})",
}


class Diffrax:
    name = "diffrax"
    tolerances = (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)
    sets = 8

    def __init__(self) -> None:
        # The tolerance is an argument of what is compiled: once a regimen and shape is enough.
        self._compiled: dict[int, Callable[..., Any]] = {}

    def prepare(self, arm: Arm, tolerance: float) -> Callable[[Floats], Floats]:
        if id(arm) not in self._compiled:
            self._compiled[id(arm)] = self._compile(arm)
        many = self._compiled[id(arm)]
        return lambda sets: np.asarray(many(sets, tolerance))

    def _compile(self, arm: Arm) -> Callable[..., Any]:
        try:
            import diffrax
            import jax
        except ImportError as error:
            raise NotMeasured(f"not installed ({error})") from error
        jax.config.update("jax_enable_x64", True)
        jnp = jax.numpy
        system = read_system(arm.undosed, arm.parameters)
        rates = _function(system, arm, [system.rates[name] for name in system.states], jnp)
        start = _function(system, arm, [system.initial[name] for name in system.states], jnp)
        read = _function(system, arm, [system.variables[name] for name in arm.outputs], jnp)
        stops, add, keep = _changes(arm, system)
        n = len(system.states)
        term = diffrax.ODETerm(lambda t, y, args: rates(args[0], y, args[1]))

        def one(p: Any, rtol: Any) -> Any:
            control = diffrax.PIDController(rtol=rtol, atol=1e-12)

            def interval(state: Any, row: Any) -> Any:
                begin, end, added, kept = row
                state = state * kept + added
                y, c = state[:n], state[n:]
                after = diffrax.diffeqsolve(
                    term,
                    diffrax.Kvaerno5(),
                    begin,
                    end,
                    1e-3,
                    y,
                    args=(p, c),
                    stepsize_controller=control,
                    saveat=diffrax.SaveAt(t1=True),
                    max_steps=None,
                ).ys[0]
                return jnp.concatenate([after, c]), state

            discrete = jnp.array(list(system.discrete.values()), dtype=float).reshape(-1)
            first = start(p, jnp.zeros(n), discrete)
            rows = (stops[:-1], stops[1:], add[:-1], keep[:-1])
            last, states = jax.lax.scan(interval, jnp.concatenate([first, discrete]), rows)
            states = jnp.vstack([states, last * keep[-1] + add[-1]])
            chosen = states[np.searchsorted(stops, arm.times)]
            return jax.vmap(lambda s: read(p, s[:n], s[n:]))(chosen)

        many: Callable[..., Any] = jax.jit(jax.vmap(one, in_axes=(0, None)))
        return many

    def derivatives(self, arm: Arm, tolerance: float) -> dict[str, Run]:
        return {}


def _changes(arm: Arm, system: System) -> tuple[Floats, Floats, Floats]:
    """Stops, and what each adds to states and switches, and which of them it keeps."""
    names = [*system.states, *system.discrete]
    changes = list(arm.kernel._schedule.until(arm.times[-1]))
    stops = np.array(sorted({*arm.times, *(change.time for change in changes)}))
    add, keep = np.zeros((len(stops), len(names))), np.ones((len(stops), len(names)))
    for change in changes:
        place = int(np.searchsorted(stops, change.time)), names.index(change.target)
        keep[place] *= float(change.add)
        add[place] = add[place] * float(change.add) + change.value
    return stops, add, keep


def _function(system: System, arm: Arm, roots: Sequence[int], jnp: Any) -> Callable[..., Any]:
    """Write an expression graph as a Python function of parameters, states and switches."""
    graph: Graph = system.graph
    places = {name: f"p[{i}]" for i, name in enumerate(arm.parameters)}
    places |= {name: f"y[{i}]" for i, name in enumerate(system.states)}
    places |= {name: f"c[{i}]" for i, name in enumerate(system.discrete)}
    lines = ["def f(p, y, c):"]
    for node in graph.reached(roots):
        value = graph.value(node)
        if value is not None:
            text = repr(value)
        elif graph.kind(node) == "symbol":
            text = places[graph.name(node)]
        else:
            text = _OPERATIONS[graph.kind(node)].format(*(f"v{o}" for o in graph.operands(node)))
        lines.append(f"    v{node} = {text}")
    lines.append(f"    return jnp.stack([jnp.asarray(v, float) for v in ({_listed(roots)})])")
    space: dict[str, Any] = {"jnp": jnp}
    exec("\n".join(lines), space)
    found: Callable[..., Any] = space["f"]
    return found


def _listed(roots: Sequence[int]) -> str:
    return " ".join(f"v{root}," for root in roots)
