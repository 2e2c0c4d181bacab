"""How text is folded before anything is compared: case, marks, look-alike letters, then ASCII.

DuckDB's string distances count bytes, so everything that meets one of them must be ASCII; the
script of a name is read before that last step (`names.py`).
"""

import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii

CACHE_MAX = 1 << 16
"""Entries of each cache in this package; a name is folded once, not once a record."""
TEXT_CHARACTERS_MAX = 256
"""Longer values are compared by their beginning: edit distances are quadratic."""

_FOREIGN = "аеорсухіѕкмтвнοανρτυικεγηøđł"
_LOOK_ALIKES = str.maketrans(_FOREIGN, "aeopcyxiskmtbhoavptuikeynodl") | str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe"}
)
_LATIN = re.compile("[a-z]")
_SPELT = re.compile("[a-z\u00df-\u024f\u0370-\u058f\u10d0-\u10ff]")
_ASCII_WORD = re.compile("[a-z0-9]+")
_WORD = re.compile(r"[^\W_]+")
_NOT_ALPHANUMERIC = re.compile("[^a-z0-9]+")
_INVISIBLE = frozenset({"Mn", "Cf"})


def fold(text: str) -> str:
    """Lower case without marks and invisible characters; other scripts stay what they are.

    Cyrillic and Greek look-alikes become Latin where the text has a Latin letter at all.
    """
    text = text[:TEXT_CHARACTERS_MAX]
    if text.isascii():
        return text.lower().strip()
    decomposed = unicodedata.normalize("NFKD", text)
    kept = "".join(c for c in decomposed if unicodedata.category(c) not in _INVISIBLE).lower()
    if _LATIN.search(kept):
        kept = kept.translate(_LOOK_ALIKES)
    return kept.strip()


def is_spelt(folded: str) -> bool:
    """Whether a word has letters whose ASCII form sounds alike: Latin, Greek, Cyrillic and such.

    Other scripts leave out vowels or stand for whole words: their ASCII form proves nothing.
    """
    return _SPELT.search(folded) is not None


def split(folded: str) -> list[str]:
    """The words of a folded text, in their own script."""
    return (_ASCII_WORD if folded.isascii() else _WORD).findall(folded)


@lru_cache(maxsize=CACHE_MAX)
def _transliterate(word: str) -> str:
    return _NOT_ALPHANUMERIC.sub("", anyascii(word).lower())


def ascii_word(word: str) -> str:
    """A word in ASCII letters and digits; empty where it has neither."""
    return word if word.isascii() else _transliterate(word)


def words(text: str) -> list[str]:
    """The words of any text: folded, then ASCII letters and digits only."""
    folded = fold(text)
    if folded.isascii():
        return _ASCII_WORD.findall(folded)
    return [plain for word in _WORD.findall(folded) if (plain := _transliterate(word))]


def ascii_text(text: str) -> str:
    """A folded text in ASCII with its punctuation, for what is not made of words."""
    folded = fold(text)
    return folded if folded.isascii() else anyascii(folded).lower().strip()
