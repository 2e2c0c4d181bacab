"""The levels of every kind of comparison, from most to least similar, each a condition in SQL.

The first level whose condition holds is the pair's level; where the null condition holds the
comparison says nothing. Conditions are DuckDB SQL over derived columns (`features.py`) with the
suffixes `_l` and `_r`; string distances are safe because those columns are ASCII.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class ComparisonKind(StrEnum):
    GIVEN = "given"
    SURNAME = "surname"
    REST = "rest"
    MIDDLE = "middle"
    GENERATION = "generation"
    DATE_OF_BIRTH = "date_of_birth"
    POSTCODE = "postcode"
    ADDRESS = "address"
    CITY = "city"
    EMAIL = "email"
    PHONE = "phone"
    ID = "id"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One outcome of a comparison. The last level of a comparison is the rest: `sql` is ELSE."""

    label: str
    sql: str
    default_m: float
    tf_column: str | None = None
    """Column whose value's frequency adjusts this level's weight."""


_NAME_IN_EMAIL_MIN = 3  # letters; fewer stand in an address by chance

ELSE = "ELSE"
Draft = tuple[str, tuple[Level, ...]]
"""The null condition and the levels of one comparison."""


def _level(label: str, sql: str, default_m: float, tf_column: str | None = None) -> Level:
    return Level(label=label, sql=sql, default_m=default_m, tf_column=tf_column)


def _both(column: str) -> tuple[str, str]:
    return f'"{column}_l"', f'"{column}_r"'


def _same(column: str) -> str:
    left, right = _both(column)
    return f"{left}={right}"


def _any_null(*columns: str) -> str:
    return " or ".join(f"{side} is null" for column in columns for side in _both(column))


def _when(guard: str, condition: str) -> str:
    """Both hold. DuckDB evaluates both sides of an AND for every pair, but a CASE row by row."""
    return f"(case when {guard} then {condition} else false end)"


def _either(cheap: str, dear: str) -> str:
    """One of them holds; the second is evaluated only where the first does not."""
    return f"(case when {cheap} then true else {dear} end)"


def _edits(column: str, count: int) -> str:
    """At most so many edits (Damerau-Levenshtein).

    DuckDB's damerau_levenshtein costs twenty times its levenshtein, which can never be more than
    twice as large (a swap is two edits), so the cheap one answers for most pairs.
    """
    left, right = _both(column)
    length = f"abs(length({left})-length({right}))<={count}"
    plain = f"levenshtein({left},{right})<={2 * count}"
    return _when(length, _when(plain, f"damerau_levenshtein({left},{right})<={count}"))


def _winkler(column: str, threshold: float) -> str:
    left, right = _both(column)
    return f"jaro_winkler_similarity({left},{right})>={threshold}"


def _near(column: str, threshold: float) -> str:
    """Similar, or one edit apart: short words lose much similarity by one typo."""
    return _either(_winkler(column, threshold), _edits(column, 1))


def _swapped() -> str:
    """Given name and surname stand in each other's place, both perhaps misspelt or one an initial.

    Where only one of them stands in the other's place, it is two people of one family.
    """
    letters = "left(g_l,1)=left(s_r,1) and left(s_l,1)=left(g_r,1)"
    one, other = "jaro_winkler_similarity(g_l,s_r)", "jaro_winkler_similarity(s_l,g_r)"
    initial = "least(length(g_l),length(s_r))=1", "least(length(s_l),length(g_r))=1"
    return _when(
        letters,
        f"({one}>=0.9 and {other}>=0.9)"
        f" or (g_l=s_r and ({other}>=0.85 or {initial[1]}))"
        f" or (s_l=g_r and ({one}>=0.85 or {initial[0]}))",
    )


def _given(_: str) -> Draft:
    initial = (
        "(length(g_l)=1 and list_contains(gi_r,g_l)) or (length(g_r)=1 and list_contains(gi_l,g_r))"
    )
    elsewhere = (
        "list_contains(o_r,g_l) or list_contains(o_l,g_r)"
        " or (g_l=s_r and (s_l is null or s_l=g_r)) or (g_r=s_l and (s_r is null or s_r=g_l))"
        " or (s_l is null and jaro_winkler_similarity(g_l,s_r)>=0.9)"
        " or (s_r is null and jaro_winkler_similarity(g_r,s_l)>=0.9)"
        f" or {_swapped()}"
    )
    return f"{_any_null('g')} or scr_l<>scr_r", (
        _level("exact", _same("g"), 0.68, "g"),
        _level("nickname", "list_has_any(nk_l,nk_r)", 0.08),
        _level("initial", initial, 0.03),
        _level("close", _near("g", 0.92), 0.09),
        _level("elsewhere in the name", elsewhere, 0.05),
        _level("similar", f"{_winkler('g', 0.8)} or gm_l=gm_r", 0.03),
        _level("different", ELSE, 0.04),
    )


def _surname(_: str) -> Draft:
    elsewhere = f"list_contains(o_r,s_l) or list_contains(o_l,s_r) or {_swapped()}"
    initial = "(length(s_l)=1 or length(s_r)=1) and left(s_l,1)=left(s_r,1)"
    return f"{_any_null('s')} or scr_l<>scr_r", (
        _level("exact", _same("s"), 0.75, "s"),
        _level("close", _near("s", 0.92), 0.1),
        _level("elsewhere in the name", elsewhere, 0.05),
        _level("initial", initial, 0.01),
        _level("similar", f"{_winkler('s', 0.8)} or sm_l=sm_r", 0.03),
        _level("different", ELSE, 0.06),
    )


def _rest(_: str) -> Draft:
    elsewhere = "list_has_any(rest_l,nt_r) or list_has_any(nt_l,rest_r)"
    return _any_null("rest"), (
        _level("same words", _same("rest"), 0.5),
        _level("a common word", "list_has_any(rest_l,rest_r)", 0.2),
        _level("elsewhere in the name", elsewhere, 0.1),
        _level("different", ELSE, 0.2),
    )


def _middle(_: str) -> Draft:
    initial = "(length(mid_l)=1 or length(mid_r)=1) and left(mid_l,1)=left(mid_r,1)"
    return _any_null("mid"), (
        _level("exact", _same("mid"), 0.8, "mid"),
        _level("initial", initial, 0.1),
        _level("close", _winkler("mid", 0.88), 0.04),
        _level("different", ELSE, 0.06),
    )


def _generation(_: str) -> Draft:
    return _any_null("gen"), (
        _level("same", _same("gen"), 0.97),
        _level("different", ELSE, 0.03),
    )


def _date_of_birth(d: str) -> Draft:
    left, right = _both(d)
    year, month_day = _same(f"{d}_y"), _same(f"{d}_md")
    swapped = f'"{d}_md_l"="{d}_dm_r"'
    year_edit = _edits(f"{d}_y", 1)
    part = f"(substr({left},6,2)=substr({right},6,2) or substr({left},9,2)=substr({right},9,2))"
    return _any_null(f"{d}_y"), (
        _level("exact", _same(d), 0.8, d),
        _level("year one edit apart", _when(month_day, year_edit), 0.04, f"{d}_md"),
        _level("one edit apart", _edits(d, 1), 0.04),
        _level("day and month swapped", f"{year} and {swapped}", 0.03),
        _level("year and month or day", f"{year} and {part}", 0.02),
        _level("month and day", month_day, 0.02),
        _level("two edits apart", _either(_when(swapped, year_edit), _edits(d, 2)), 0.01),
        _level("year", year, 0.02),
        _level("different", ELSE, 0.02),
    )


def _postcode(p: str) -> Draft:
    return _any_null(p), (
        _level("exact", _same(p), 0.75, p),
        _level("one edit apart", _edits(p, 1), 0.1),
        _level("area", _same(f"{p}_a"), 0.07, f"{p}_a"),
        _level("different", ELSE, 0.08),
    )


def _address(a: str) -> Draft:
    words_left, words_right = _both(f"{a}_t")
    common = f"len(list_intersect({words_left},{words_right}))"
    overlap = f"({common}>=2 and {common}/least(len({words_left}),len({words_right}))>=0.6)"
    number = _same(f"{a}_n")
    return _any_null(a), (
        _level("exact", _same(a), 0.6, a),
        _level("number and words", _when(number, overlap), 0.1),
        _level("close", _either(_winkler(a, 0.93), _edits(a, 2)), 0.08),
        _level("street", _same(f"{a}_s"), 0.04, f"{a}_s"),
        _level("similar", _either(_winkler(f"{a}_s", 0.9), overlap), 0.04),
        _level("number", number, 0.04),
        _level("different", ELSE, 0.1),
    )


def _city(c: str) -> Draft:
    return _any_null(c), (
        _level("exact", _same(c), 0.8, c),
        _level("close", _near(c, 0.88), 0.1),
        _level("different", ELSE, 0.1),
    )


def _email(e: str) -> Draft:
    return _email_levels(
        e,
        close=_either(_winkler(f"{e}_u", 0.92), _edits(e, 2)),
        similar=_winkler(f"{e}_u", 0.8),
    )


def email_beside_names(e: str) -> Draft:
    """Two addresses made of one name are alike whoever has them: only a slip brings them near."""
    user, left, right = f"{e}_u", *_both(f"{e}_u")
    named = " or ".join(
        f"({_same(name)} and length({name}_l)>={_NAME_IN_EMAIL_MIN}"
        f" and contains({left},{name}_l) and contains({right},{name}_l))"
        for name in "sg"
    )
    close = _either(_winkler(user, 0.92), _edits(e, 2))
    return _email_levels(
        e,
        close=f"(case when {named} then {_edits(e, 1)} else {close} end)",
        similar=f"(case when {named} then false else {_winkler(user, 0.8)} end)",
    )


def _email_levels(e: str, *, close: str, similar: str) -> Draft:
    user = f"{e}_u"
    return _any_null(e), (
        _level("exact", _same(e), 0.75, e),
        _level("same user", _same(user), 0.06, user),
        _level("close", close, 0.1),
        _level("similar user", similar, 0.03),
        _level("different", ELSE, 0.06),
    )


def _phone(f: str) -> Draft:
    return _any_null(f), (
        _level("exact", _same(f), 0.75, f),
        _level("last seven digits", _same(f"{f}_7"), 0.08, f"{f}_7"),
        _level("one edit apart", _either(_edits(f, 1), _edits(f"{f}_7", 1)), 0.06),
        _level("similar", _edits(f, 3), 0.03),
        _level("different", ELSE, 0.08),
    )


def _id(n: str) -> Draft:
    return _any_null(n), (
        _level("exact", _same(n), 0.85, n),
        _level("one edit apart", _edits(n, 1), 0.06),
        _level("two edits apart", _edits(n, 2), 0.03),
        _level("different", ELSE, 0.05),
    )


def _category(k: str) -> Draft:
    return _any_null(k), (
        _level("exact", _same(k), 0.87, k),
        _level("close", _when(f"length({_both(k)[0]})>3", _near(k, 0.94)), 0.03),
        _level("different", ELSE, 0.1),
    )


DRAFTS: dict[ComparisonKind, Callable[[str], Draft]] = {
    ComparisonKind.GIVEN: _given,
    ComparisonKind.SURNAME: _surname,
    ComparisonKind.REST: _rest,
    ComparisonKind.MIDDLE: _middle,
    ComparisonKind.GENERATION: _generation,
    ComparisonKind.DATE_OF_BIRTH: _date_of_birth,
    ComparisonKind.POSTCODE: _postcode,
    ComparisonKind.ADDRESS: _address,
    ComparisonKind.CITY: _city,
    ComparisonKind.EMAIL: _email,
    ComparisonKind.PHONE: _phone,
    ComparisonKind.ID: _id,
    ComparisonKind.CATEGORY: _category,
}
