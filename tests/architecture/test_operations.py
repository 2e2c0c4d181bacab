"""docs/operations.md lists what there is to configure and to measure; the example can be read."""

import re
import time
from pathlib import Path

import pytest

from services.cli.config import Configuration, read_configuration
from services.identity.adapters.prometheus import Metrics
from services.ingest.metrics import IngestMetrics
from services.resolver.metrics import WorkerMetrics

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
EXAMPLE = ROOT / "infra" / "plait.example.yaml"


def listed(heading: str) -> set[str]:
    """The names in the first column of the table below a heading."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def test_every_metric_is_listed_and_none_else() -> None:
    metrics = Metrics()
    IngestMetrics(metrics)
    WorkerMetrics(metrics.registry, timer=time.monotonic)
    counted = {
        f"{each.name}_total" if each.type == "counter" else each.name
        for each in metrics.registry.collect()
        if each.name.startswith("plait_")
    }
    assert listed("Metrics") - {"process_resident_memory_bytes"} == counted


def test_every_key_of_a_configuration_is_listed_and_none_else() -> None:
    assert listed("A configuration") == set(Configuration.model_fields)


def test_the_example_can_be_read_and_names_every_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = EXAMPLE.read_text()
    for name in Configuration.model_fields:
        monkeypatch.delenv(f"PLAIT_{name.upper()}", raising=False)
        if name not in {"pepper", "kafka_password"}:  # better in a file of their own
            assert re.search(rf"^(# )?{name}:", text, re.MULTILINE), name
    pepper = tmp_path / "pepper"
    pepper.write_text("p" * 32)
    copy = tmp_path / "plait.yaml"
    copy.write_text(text.replace("/run/secrets/plait-pepper", str(pepper)))
    assert read_configuration(copy).kafka is not None
