"""Processes beside this one: begun from nothing, since threads survive no fork, and ended with it.

One that outlives a killed parent would go on working in its home, and nobody would know of it.
"""

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess

ORPHANED = 1


def process_pool(processes: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(processes, mp_context=context, initializer=end_with_parent)


def start_process(work: Callable[..., None], *args: object) -> SpawnProcess:
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_run, args=(work, *args), daemon=True)
    process.start()
    return process


def end_with_parent() -> None:
    """From now on this process ends when the one that began it does, whatever it is at.

    What it has in hand is a transaction, which the database undoes.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        raise RuntimeError("only a process that multiprocessing began has a parent to end with")
    watch = threading.Thread(
        target=_wait_and_end, args=(parent.sentinel,), name="end-with-parent", daemon=True
    )
    watch.start()


def _run(work: Callable[..., None], *args: object) -> None:
    end_with_parent()
    work(*args)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(0)  # at an interpreter's own end libraries print what they left behind, among our logs


def _wait_and_end(sentinel: int) -> None:
    wait([sentinel])
    os._exit(ORPHANED)
