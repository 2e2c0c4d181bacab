"""The page of a report is made of nothing but the report, and shows all of it."""

import re
from xml.etree import ElementTree as ET

from services.linkage.report_page import report_page
from services.linkage.training.records import TrainingRecord
from services.linkage.training.train import train
from tests.linkage_factory import FIELDS, people


def test_the_page_shows_every_level_and_key_and_loads_nothing() -> None:
    records = [
        TrainingRecord.of(key=f"{number:03}", source="one", values=values)
        for number, values in enumerate(people(80))
    ]
    report = train(records, FIELDS).report
    page = report_page(report)
    for comparison in report["comparisons"]:
        assert f"{comparison['field']} ({comparison['kind']})" in page
        assert all(level["label"] in page for level in comparison["levels"])
    assert all(" + ".join(key["tokens"]) in page for key in report["keys"])
    assert report_page(report) == page
    assert not re.search(r"<script|<link|<img|src=|href=|url\(", page)


def test_what_a_field_is_called_cannot_become_markup() -> None:
    levels = [{"label": "<b>&", "m": 0.9, "u": 0.1}, {"label": "else", "m": 0.1, "u": 0.9}]
    report = {
        "model_version": "<i>",
        "prior_bits": -10.0,
        "comparisons": [{"field": "</figure>", "kind": "category", "levels": levels}],
    }
    page = report_page(report)
    assert "<b>" not in page
    assert "<i>" not in page
    body = page.partition("<body>")[2].partition("</body>")[0].replace("class=n", 'class="n"')
    figures = ET.fromstring(f"<div>{body}</div>").iter("figure")  # noqa: S314 - our own
    assert (next(figures).findtext("figcaption") or "").startswith("</figure>")
