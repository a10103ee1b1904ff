"""Prepare models in several processes, which end with the one that started them."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, parent_process
from typing import Any

from r2n2.errors import UserError
from r2n2.progress import progress


def by_workers(
    prepare: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], workers: int
) -> Iterator[Any | UserError]:
    """Yield what `prepare` returns, or the UserError that it raises, for each model's arguments, in their order.

    workers: number of processes, 0 for one per core. Raises UserError if one of them was killed.
    """
    count = max(1, min(workers or _cores(), len(arguments)))  # a pool that forks starts all at once
    others = set(active_children())  # those of the calling program
    pool = ProcessPoolExecutor(count, initializer=_begin_worker)
    try:
        tasks = [pool.submit(prepare, *one) for one in arguments]
        for task in progress(tasks, "preparing", unit="model"):
            try:
                yield task.result()
            except UserError as error:
                yield error
    except BrokenProcessPool as error:
        raise UserError(
            "A process that prepared models was killed, probably because memory ran out; "
            "the same command continues where it stopped: try fewer --workers."
        ) from error
    except BaseException:  # mainly Ctrl-C: the next run starts unfinished models again
        for worker in set(active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _cores() -> int:
    """The number of cores that this process may use: Slurm and containers grant only some of the machine's."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _begin_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # left to the parent
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.setdefault("LP_NUM_THREADS", "1")  # threads of OpenGL on the CPU: each core already has a process


def _end_with_parent() -> None:
    """End this process when its parent ends, so that a killed parent leaves no worker writing alongside the next run's.

    os.getppid() does not help: if workers are forked by a server (Linux, from Python 3.14 on), it is the server's id.
    """
    if parent := parent_process():
        parent.join()
        os._exit(1)
