"""What is installed from the lock may be used: no GPL, no AGPL; and nothing is there twice."""

import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKED = re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
_STRONG = re.compile(r"\bA?GPL|Affero|(?<!Lesser )General Public License", re.IGNORECASE)
_WEAK = re.compile(r"\bLGPL|Lesser General Public License", re.IGNORECASE)


def licences(package: str) -> list[str]:
    """What a package says of its licence, in short: not the licence's text."""
    found = metadata(package)
    short = [*(found.get_all("License-Expression") or ()), *(found.get_all("License") or ())]
    classified = [x for x in found.get_all("Classifier") or () if x.startswith("License")]
    return [each.split("\n")[0] for each in (*short, *classified) if each.strip()]


def may_be_used(licence: str) -> bool:
    """Of several, one may be chosen. LGPL libraries are used, not changed."""
    return any(
        _WEAK.search(choice) or not _STRONG.search(choice)
        for choice in re.split(r"\bOR\b", licence)
    )


@pytest.mark.parametrize(
    ("licence", "may"),
    [
        ("MIT", True),
        ("LGPL-3.0-only", True),
        ("License :: OSI Approved :: GNU Lesser General Public License v2 or later", True),
        ("MIT OR GPL-2.0-only", True),
        ("GPL-3.0-or-later", False),
        ("AGPL-3.0", False),
        ("License :: OSI Approved :: GNU General Public License v3 (GPLv3)", False),
    ],
)
def test_the_check_knows_one_from_the_other(licence: str, *, may: bool) -> None:
    assert may_be_used(licence) is may


@pytest.mark.parametrize("package", LOCKED)
def test_a_dependency_may_be_used(package: str) -> None:
    try:
        said = licences(package)
    except PackageNotFoundError:
        pytest.skip(f"{package} is not installed on this platform")
    assert said
    assert [each for each in said if not may_be_used(each)] == []


def test_phone_numbers_are_read_by_one_library() -> None:
    assert "phonenumberslite" in LOCKED
    assert "phonenumbers" not in LOCKED


def test_the_licence_is_apache() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
