"""Which given names stand for one another: groups that are kept as a text file beside this one."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@cache
def groups() -> tuple[tuple[str, ...], ...]:
    """All groups in the order of the file; a group's number is its place."""
    text = files("services.linkage").joinpath("nicknames.txt").read_text(encoding="utf-8")
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return tuple(tuple(line.split()) for line in lines)


@cache
def groups_of_name() -> Mapping[str, tuple[int, ...]]:
    """Name -> numbers of the groups that hold it."""
    result: dict[str, tuple[int, ...]] = {}
    for number, group in enumerate(groups()):
        for name in dict.fromkeys(group):
            result[name] = (*result.get(name, ()), number)
    return MappingProxyType(result)
