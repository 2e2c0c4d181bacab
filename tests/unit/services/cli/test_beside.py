"""A process beside another is gone when the other is, killed or not."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection, wait

from services.cli.beside import process_pool, start_process

SECONDS_MAX = 20.0


def test_a_process_ends_with_a_parent_that_is_killed() -> None:
    """The line between them is held by the one beside alone: it closes when that is gone."""
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    parent = context.Process(target=_begin_and_wait, args=(theirs,))
    parent.start()
    theirs.close()
    assert ours.poll(SECONDS_MAX)
    beside = ours.recv()
    assert parent.pid not in {None, beside}
    os.kill(parent.pid or 0, signal.SIGKILL)
    assert wait([ours], SECONDS_MAX)
    assert not _is_told(ours)
    parent.join()


def test_a_pool_of_them_works() -> None:
    with process_pool(1) as pool:
        assert pool.submit(_thread_names).result() >= {"end-with-parent"}


def _begin_and_wait(line: Connection) -> None:
    process = start_process(_tell_and_wait, line)
    line.close()
    process.join()


def _tell_and_wait(line: Connection) -> None:
    line.send(os.getpid())
    threading.Event().wait(10 * SECONDS_MAX)
    line.send("still there")


def _is_told(line: Connection) -> bool:
    try:
        line.recv()
    except EOFError:
        return False
    return True


def _thread_names() -> set[str]:
    return {each.name for each in threading.enumerate()}
