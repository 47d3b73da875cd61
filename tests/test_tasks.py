"""Results do not depend on the workers; an interrupt loses nothing that was finished."""

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import numpy as np
import pytest

from bonecycle.errors import SimulationError
from bonecycle.tasks import run_all, worker_pool

P = ParamSpec("P")
T = TypeVar("T")


def draw(task: int, seed: np.random.SeedSequence) -> float:
    return task + float(np.random.default_rng(seed).random())


def fail_on_two(task: int, seed: np.random.SeedSequence) -> int:
    if task == 2:
        raise SimulationError("onset", "placebo", {"k": 1.0}, "narrow the prior of k")
    return task


def interrupt_on_two(task: int, seed: np.random.SeedSequence) -> int:
    if task == 2:
        raise KeyboardInterrupt
    return task


def threads_of_linear_algebra(task: int, seed: np.random.SeedSequence) -> str | None:
    return os.environ.get("OMP_NUM_THREADS")


class AllDone(Executor):
    """Finishes every task when it is submitted, so that results wait beside an interrupt."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except KeyboardInterrupt as interrupt:
            future.set_exception(interrupt)
        return future


def test_results_are_the_same_for_any_executor_and_in_order() -> None:
    tasks = range(6)
    alone = run_all(tasks, draw, seed=1)
    assert [int(result) for result in alone] == list(tasks)
    assert len({result % 1 for result in alone}) == 6
    with worker_pool(2) as pool:
        assert run_all(tasks, draw, seed=1, executor=pool) == alone
    with ThreadPoolExecutor(3) as threads:
        assert run_all(tasks, draw, seed=1, executor=threads) == alone
    assert run_all(tasks, draw, seed=2) != alone


def test_one_worker_is_this_process() -> None:
    with worker_pool(1) as pool:
        assert pool is None


def test_progress_and_results_are_reported_as_tasks_finish() -> None:
    steps: list[tuple[int, int]] = []
    kept: dict[int, float] = {}
    results = run_all(
        range(3),
        draw,
        seed=1,
        progress=lambda done, total: steps.append((done, total)),
        on_result=kept.__setitem__,
    )
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert kept == dict(enumerate(results))


@pytest.mark.parametrize("executor", [None, AllDone()], ids=["in process", "executor"])
def test_an_interrupt_keeps_what_is_finished(executor: Executor | None) -> None:
    kept: dict[int, int] = {}
    with pytest.raises(KeyboardInterrupt):
        run_all(range(5), interrupt_on_two, seed=1, executor=executor, on_result=kept.__setitem__)
    finished = {0: 0, 1: 1} if executor is None else {0: 0, 1: 1, 3: 3, 4: 4}
    assert kept == finished


def test_an_error_in_a_worker_process_comes_back_whole() -> None:
    with worker_pool(2) as pool, pytest.raises(SimulationError, match="narrow the prior of k"):
        run_all(range(5), fail_on_two, seed=1, executor=pool)


def test_workers_use_one_thread_and_the_setting_does_not_leak(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with worker_pool(2) as pool:
        assert run_all([0], threads_of_linear_algebra, seed=1, executor=pool) == ["1"]
    assert os.environ["OMP_NUM_THREADS"] == "7"
