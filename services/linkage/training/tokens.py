"""The tokens of all training records, by the code that gives the stream its keys."""

from collections.abc import Sequence

from services.linkage.features import Features, FeatureSpec
from services.linkage.keys import token_catalogue, tokens
from services.linkage.training.candidate_keys import TokenColumn
from services.linkage.training.pairs import code_lists

_FILLED_MIN = 0.005  # share of records
_FILLED_ENOUGH = 20  # records: a token this rare still finds a few matches in a large set


def training_tokens(features: Sequence[Features], spec: FeatureSpec) -> dict[str, TokenColumn]:
    """Every token that enough records have, and not all of them with one value."""
    values: dict[str, list[list[str]]] = {}
    for row, record in enumerate(features):
        for name, found in tokens(record, spec).items():
            column = values.setdefault(name, [])
            column.extend([] for _ in range(row - len(column)))
            column.append(found)
    enough = min(_FILLED_MIN * len(features), _FILLED_ENOUGH)
    result = {}
    for token in token_catalogue(spec):
        coded = code_lists(values.get(token.name, []))
        distinguishes = len(coded.codes) > 0 and int(coded.codes.max()) > 0
        if distinguishes and len(coded.rows) > enough:
            result[token.name] = TokenColumn(token=token, coded=coded)
    return result
