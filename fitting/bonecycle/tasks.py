"""Long loops: in this process, in worker processes, or on any executor."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TypeVar

import numpy as np

T = TypeVar("T")
R = TypeVar("R")


def run_all(
    tasks: Sequence[T],
    function: Callable[[T, np.random.SeedSequence], R],
    *,
    seed: int,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
    on_result: Callable[[int, R], None] | None = None,
) -> list[R]:
    """Call `function(task, seed_sequence)` for every task.

    Every task has a seed of its own, so the results do not depend on the executor.

    Parameters
    ----------
    tasks
        The arguments, one a call. With processes they, the function and the results are pickled.
    function
        Does one task; draws random numbers from the given seed sequence only.
    seed
        Root of all seeds.
    executor
        Anything with the `concurrent.futures` interface; None runs in this process.
    progress
        Called as `progress(done, total)` after every task.
    on_result
        Called as `on_result(index, result)` as each task finishes, in any order: the place to
        save what a later interrupt must not lose.

    Returns
    -------
    list
        The results, in the order of the tasks.

    Raises
    ------
    BaseException
        What the function raised, or KeyboardInterrupt; pending tasks are cancelled, and
        finished ones have been given to `on_result`.
    """
    seeds = np.random.SeedSequence(seed).spawn(len(tasks))
    results: dict[int, R] = {}

    def keep(index: int, result: R) -> None:
        results[index] = result
        if on_result is not None:
            on_result(index, result)
        if progress is not None:
            progress(len(results), len(tasks))

    if executor is None:
        for index, (task, child) in enumerate(zip(tasks, seeds, strict=True)):
            keep(index, function(task, child))
    else:
        pending: dict[Future[R], int] = {}
        try:
            for index, (task, child) in enumerate(zip(tasks, seeds, strict=True)):
                pending[executor.submit(function, task, child)] = index
            for future in as_completed(pending):
                keep(pending[future], future.result())
        except BaseException:
            cancelled = {future for future in pending if future.cancel()}
            for future in pending.keys() - cancelled:
                index = pending[future]
                if future.done() and future.exception() is None and index not in results:
                    keep(index, future.result())
            raise
    return [results[index] for index in range(len(tasks))]


@contextmanager
def worker_pool(workers: int) -> Iterator[Executor | None]:
    """Give an executor of `workers` processes, or None (this process) for one worker.

    Workers are spawned, not forked: compiled models do not survive a fork. Each runs its linear
    algebra on one thread, so that processes do not compete for cores.
    """
    if workers == 1:
        yield None
        return
    # Set here, not in the workers: the libraries read it once, when they are first imported.
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    pool = ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_stop_with_parent
    )
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _stop_with_parent() -> None:
    """Let Ctrl-C end a worker at once, without a traceback of its own, and a killed parent too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait for the parent's end; a worker would wait for work forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
