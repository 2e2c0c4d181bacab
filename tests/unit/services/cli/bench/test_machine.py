"""Memory of a process with those that it started: libraries that both have mapped count once."""

import os
import subprocess
import sys

from services.cli.bench.machine import memory_mb, memory_with_children_mb


def test_a_process_counts_with_its_children() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        both = memory_with_children_mb(os.getpid())
        alone, other = memory_mb(), memory_mb(child.pid)
        child.communicate(b"\n")
    assert both["rss"] >= other["rss"] + both["unique"] - alone["rss"] > 0
    assert alone["rss"] - alone["files"] < both["unique"] < both["rss"]
