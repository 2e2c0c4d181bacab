"""Figures for people and for machines: percentiles, and nested values as lines."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import typer

from services.cli.bench.machine import machine
from services.cli.output import show

PERCENTILES = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999))


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread_ms(seconds: Sequence[float]) -> dict[str, float | int]:
    """Count, percentiles and maximum in milliseconds."""
    ordered = sorted(seconds)
    if not ordered:
        return {"count": 0}
    found = {name: round(percentile(ordered, share) * 1_000, 2) for name, share in PERCENTILES}
    return {"count": len(ordered), **found, "max": round(ordered[-1] * 1_000, 2)}


def rate(count: int, seconds: float) -> float:
    return round(count / seconds, 1) if seconds > 0 else 0.0


def note(text: str) -> None:
    """Progress, on standard error."""
    typer.echo(text, err=True)


def tell(name: str, *, sizes: Mapping[str, Any], figures: Mapping[str, Any], as_json: bool) -> None:
    """One object: the machine, the sizes, the figures."""
    document = {"bench": name, "machine": machine(), "sizes": sizes, "figures": figures}
    show(document, as_json=as_json, lines=list(_lines(document, "")))


def _lines(values: Mapping[str, Any], indent: str) -> Iterator[str]:
    width = max((len(str(name)) for name in values), default=0)
    for name, value in values.items():
        if not isinstance(value, Mapping):
            yield f"{indent}{name:<{width}}  {value}"
        elif value and all(not isinstance(each, Mapping) for each in value.values()):
            row = "  ".join(f"{inner} {each}" for inner, each in value.items())
            yield f"{indent}{name:<{width}}  {row}"
        else:
            yield f"{indent}{name}"
            yield from _lines(value, indent + "  ")
