"""Names as people write them: order, marks, titles, nicknames, generations, scripts."""

import pytest

from services.identity.domain.kinds import Kind
from services.linkage import nicknames
from services.linkage.features import Features, FeatureSpec, derive
from services.linkage.folding import ascii_text, fold, words

PARTS = FeatureSpec(
    fields=(
        ("given_name", Kind.GIVEN_NAME),
        ("middle_name", Kind.MIDDLE_NAME),
        ("surname", Kind.SURNAME),
        ("suffix", Kind.SUFFIX),
    )
)
WHOLE = FeatureSpec(fields=(("full_name", Kind.FULL_NAME),))


def whole(name: str) -> Features:
    return derive({"full_name": name}, WHOLE)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        pytest.param("Müller", "muller", id="umlaut"),
        pytest.param("Mu\u0308ller", "muller", id="combining mark"),
        pytest.param("Mül\u200bler", "muller", id="zero width space"),
        pytest.param("Strauß", "strauss", id="sharp s"),
        pytest.param("Sørensen", "sorensen", id="stroke"),
        pytest.param("Łukasz", "lukasz", id="stroke that no decomposition knows"),
        pytest.param("J\u043ehn", "john", id="cyrillic look-alike in a latin word"),
        pytest.param("Иван", "ivan", id="other script"),
    ],
)
def test_words_are_ascii(written: str, folded: str) -> None:
    assert words(written) == [folded]


def test_folding_keeps_other_scripts_until_their_script_was_read() -> None:
    assert fold("ИВАН") == "иван"
    assert ascii_text("ИВАН") == "ivan"


def test_a_marked_and_a_plain_spelling_are_one_surname() -> None:
    marked = derive({"given_name": "Jörg", "surname": "Müller"}, PARTS)
    plain = derive({"given_name": "JORG", "surname": "MULLER"}, PARTS)
    assert marked == plain


def test_the_script_is_that_of_the_text_not_of_its_ascii_form() -> None:
    assert whole("Иван Петров") | {"scr": "?"} == whole("Ivan Petrov") | {"scr": "?"}
    assert whole("Иван Петров")["scr"] == whole("Νίκος Παππάς")["scr"] == "l"
    assert whole("王小明")["scr"] == whole("محمد علي")["scr"] == "o"
    assert whole("Ivan Petrov")["scr"] == "l"


@pytest.mark.parametrize(
    ("written", "given", "surname", "generation"),
    [
        pytest.param("Anna Muller", "anna", "muller", None, id="given first"),
        pytest.param("Muller, Anna", "anna", "muller", None, id="surname and comma first"),
        pytest.param("Dr. Anna von der Muller", "anna", "muller", None, id="title, particles"),
        pytest.param("Baby Boy Muller", "muller", None, None, id="placeholder for a given name"),
        pytest.param("Anna O'Neil", "anna", "oneil", None, id="apostrophe"),
        pytest.param("Anna O\u2019Neil", "anna", "oneil", None, id="curly apostrophe"),
        pytest.param("Ann4 Mu11er", "anna", "muller", None, id="digits for letters"),
        pytest.param("Bob Muller Jr.", "bob", "muller", "jr", id="generation last"),
        pytest.param("Muller, Bob Jr", "bob", "muller", "jr", id="generation behind the comma"),
        pytest.param("Bob Muller, III", "bob", "muller", "iii", id="comma before it only"),
        pytest.param("Muller, I", "i", "muller", None, id="an initial is no generation"),
        pytest.param("Junior", "junior", None, None, id="a name of one word is no generation"),
        pytest.param("Madonna", "madonna", None, None, id="one word"),
    ],
)
def test_a_whole_name_is_taken_apart(
    written: str, given: str, surname: str | None, generation: str | None
) -> None:
    found = whole(written)
    assert (found.get("g"), found.get("s"), found.get("gen")) == (given, surname, generation)
    assert found.get("genx") == generation


def test_a_name_that_says_nothing_is_null() -> None:
    assert whole("Unknown") == {}
    assert whole("---") == {}


def test_swapped_names_are_found_among_the_words() -> None:
    right = derive({"given_name": "Anna", "surname": "Muller"}, PARTS)
    swapped = derive({"given_name": "Muller", "surname": "Anna"}, PARTS)
    assert right["nt"] == swapped["nt"] == ["anna", "muller"]
    assert (swapped["g"], swapped["s"]) == (right["s"], right["g"])


def test_words_that_are_neither_given_name_nor_surname_are_kept_apart() -> None:
    found = derive(
        {"given_name": "Maria Luz", "middle_name": "Ines", "surname": "Vega Ruiz"}, PARTS
    )
    assert found["g"] == "maria"
    assert found["s"] == "ruiz"
    assert found["o"] == ["ines", "luz", "vega"]
    assert found["rest"] == ["luz", "vega"]
    assert found["mid"] == "ines"


def test_a_second_given_name_stands_in_for_a_missing_middle_name() -> None:
    assert derive({"given_name": "Maria Luz", "surname": "Ruiz"}, PARTS)["mid"] == "luz"


def test_a_suffix_field_gives_a_generation_that_forbids_nothing() -> None:
    found = derive({"given_name": "Bob", "surname": "Smith", "suffix": "Jr."}, PARTS)
    assert found["gen"] == "jr"
    assert "genx" not in found


def test_nicknames_meet_in_a_group() -> None:
    robert, bob = (derive({"given_name": name}, PARTS) for name in ("Robert", "Bob"))
    assert set(robert["nk"]) & set(bob["nk"])
    assert robert["gc"] == bob["gc"]
    assert "b" in robert["gi"]
    assert "r" in bob["gi"]


def test_a_nickname_of_several_names_stands_for_none_of_them() -> None:
    ted = derive({"given_name": "Ted"}, PARTS)
    assert len(ted["nk"]) > 1
    assert ted["gc"] == "ted"


def test_nickname_groups_are_plain_names_that_stand_for_one_another() -> None:
    assert all(len(set(group)) > 1 for group in nicknames.groups())
    assert all(name.isascii() and name.isalpha() for g in nicknames.groups() for name in g)
