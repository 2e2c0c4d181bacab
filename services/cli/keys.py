"""The keys that a home gave out, in a file that its owner alone can read."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

KEYS_FILE = "keys.json"
API_KEY = "api"
PEPPER = "pepper"
LOCK_FILE = "keys.lock"


def keys_of(path: Path) -> dict[str, str]:
    """Write keys by source, the API key and its pepper."""
    file = path.expanduser().resolve() / KEYS_FILE
    return dict(json.loads(file.read_text())) if file.exists() else {}


def keep_key(path: Path, name: str, key: str) -> None:
    """Replaced as a whole: whoever reads meanwhile reads the keys of before."""
    _replace(path, keys_of(path) | {name: key})


def forget_key(path: Path, name: str) -> None:
    _replace(path, {each: key for each, key in keys_of(path).items() if each != name})


def _replace(path: Path, keys: Mapping[str, str]) -> None:
    file = path / KEYS_FILE
    part = file.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(json.dumps(keys, indent=1))
    part.replace(file)


@contextmanager
def keys_locked(path: Path) -> Iterator[None]:
    """One command at a time makes keys: two that start together agree on the same ones."""
    with (path / LOCK_FILE).open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
