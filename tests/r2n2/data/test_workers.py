"""Worker processes that prepare models."""

import time
from multiprocessing import Process, active_children

import pytest

from r2n2.data.workers import by_workers


def test_an_interruption_ends_the_workers_and_no_other_process() -> None:
    other = Process(target=time.sleep, args=(60,))
    other.start()
    try:
        outcomes = by_workers(time.sleep, [(0,), (60,)], workers=1)
        assert next(outcomes) is None
        with pytest.raises(KeyboardInterrupt):
            outcomes.throw(KeyboardInterrupt)
        assert other.is_alive()
        assert active_children() == [other]
    finally:
        other.kill()
        other.join()
