"""Notes of what runs: believed while their process lives, and who may run beside whom."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.cli.running import (
    Running,
    alone,
    noted,
    processes,
    running_process,
    running_resolver,
    running_stack,
)
from services.identity.domain.errors import UsageError

HOLD = """
import sys
from pathlib import Path
from services.cli.running import Running, noted
import os
running = Running(pid=os.getpid(), services=("resolver",), log="", is_ready=True)
with noted(Path(sys.argv[1]), running, is_stack=False):
    print("held", flush=True)
    sys.stdin.read()
"""


def running(*services: str, pid: int = 0, is_ready: bool = True) -> Running:
    return Running(
        pid=pid or os.getpid(),
        services=services,
        log="embedded",
        is_ready=is_ready,
        urls={name: f"http://127.0.0.1/{name}" for name in services},
    )


def test_any_number_of_services_run_side_by_side(tmp_path: Path) -> None:
    first, second = running("resolver", pid=11), running("resolver", pid=12)
    with noted(tmp_path, first, is_stack=False), noted(tmp_path, second, is_stack=False):
        assert processes(tmp_path) == [first, second]
        assert running_resolver(tmp_path) == first
        assert running_process(tmp_path, 12) == second
        assert running_stack(tmp_path) is None
    assert processes(tmp_path) == []


def test_a_home_has_one_stack_and_services_beside_it(tmp_path: Path) -> None:
    stack = running("ingest", "resolver", "api")
    with noted(tmp_path, stack, is_stack=True):
        assert running_stack(tmp_path) == stack
        assert (stack.api, stack.ingest) == ("http://127.0.0.1/api", "http://127.0.0.1/ingest")
        with noted(tmp_path, running("resolver"), is_stack=False):
            assert len(processes(tmp_path)) == 2
        with (
            pytest.raises(UsageError, match="already runs"),
            noted(tmp_path, stack, is_stack=True),
        ):
            pass
    with noted(tmp_path, stack, is_stack=True):
        assert running_stack(tmp_path) == stack


def test_what_is_not_ready_is_listed_and_not_relied_on(tmp_path: Path) -> None:
    starting = running("ingest", "resolver", "api", is_ready=False)
    with noted(tmp_path, starting, is_stack=True) as note:
        assert processes(tmp_path) == [starting]
        assert running_stack(tmp_path) is None
        assert running_process(tmp_path, os.getpid()) is None
        note.write(running("ingest", "resolver", "api"))
        assert running_stack(tmp_path) is not None
        note.write(starting)  # shorter than what stood there
        assert processes(tmp_path) == [starting]


def test_work_on_a_home_alone_keeps_services_out_and_is_kept_out(tmp_path: Path) -> None:
    with (
        alone(tmp_path),
        pytest.raises(UsageError, match="alone"),
        noted(tmp_path, running("ingest"), is_stack=False),
    ):
        pass
    with (
        noted(tmp_path, running("ingest"), is_stack=False),
        pytest.raises(UsageError, match="plait down"),
        alone(tmp_path),
    ):
        pass
    with alone(tmp_path):
        pass


def test_a_process_that_was_killed_is_forgotten(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(  # noqa: S603  # our own program
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert [each.pid for each in processes(tmp_path)] == [process.pid]
        process.kill()
        process.wait()
    assert processes(tmp_path) == []
    with noted(tmp_path, running("resolver"), is_stack=False):
        assert len(list((tmp_path / "running").glob("*.json"))) == 1  # the dead one's is gone
    with alone(tmp_path):
        pass
