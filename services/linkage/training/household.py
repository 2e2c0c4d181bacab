"""Kinship: how many of all pairs live together, are twins, or have one name besides."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from services.identity.domain.weights import Kinship, not_of_relatives
from services.linkage.training.pairs import Floats

_ITERATIONS_MAX = 100
_CONVERGED = 1e-4
_SHARE_MIN = 0.02  # households a record at least: evidence two people can share is never unbounded
_RARER_MIN = 0.01
"""Of a hundred pairs of one household at least one was born on one day, one bears one name."""
_CONTACT_MAX = 0.95
_CONTACT_BEFORE = (0.25, 8.0)  # before any relative is seen: two of eight share a telephone
_NUMBER_BEFORE = 0.02  # a person's own number is thought to be shared by few,
_NUMBER_RELATIVES = 0.05  # until relatives are seen in more than so many of the records
_MIN_OF_BEFORE = 0.08
_MOST = 0.5
"""A category that fewer relatives share is left to the matches: where people say wrong things of
themselves, a match that differs elsewhere is taken for two relatives, who then seem to share it."""

Bits = tuple[Floats, npt.NDArray[np.bool_]]
"""Evidence of a comparison, and whether the field was compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativesEvidence:
    """Of every candidate pair, in bits and without the prior: `total` is all evidence.

    `shared` is that in the fields a household shares, `born` in birth dates, `given` in given
    names; None where such a field is not compared. `contacts` are those of the shared fields that
    only some relatives share, by name; `perhaps` are fields beside the shared ones that count among
    them only where most relatives share them. `numbers` are those of both that are meant to be one
    person's alone.
    """

    shared: Floats
    born: Floats | None
    given: Floats | None
    total: Floats
    contacts: Mapping[str, Bits]
    numbers: Collection[str] = ()
    perhaps: Mapping[str, Bits] = field(default_factory=dict)

    def sharing(self, names: Collection[str]) -> "RelativesEvidence":
        """With these of the perhaps shared among the contacts, without the others."""
        more = {name: self.perhaps[name] for name in names}
        shared = self.shared.copy()
        for bits, _known in more.values():
            shared += bits
        return replace(self, shared=shared, contacts={**self.contacts, **more}, perhaps={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """Shares of all pairs, and of the relatives those who share each contact."""

    kinship: Kinship
    contact_shares: Mapping[str, float]


def fit_kinship(
    evidence: RelativesEvidence, *, match_share: float, pair_count: float, record_count: int
) -> Fitted:
    """Fit the shares over the candidate pairs.

    A pair is a match, two relatives of one of three sorts, or two strangers; the share of matches
    stays what it is.
    """

    def fit(names: Collection[str]) -> Fitted:
        return _fit(
            evidence.sharing(names),
            match_share=match_share,
            pair_count=pair_count,
            record_count=record_count,
        )

    if not evidence.perhaps:
        return fit(())
    found = fit([*evidence.perhaps])
    most = [name for name in evidence.perhaps if found.contact_shares[name] >= _MOST]
    return found if len(most) == len(evidence.perhaps) else fit(most)


def _fit(
    evidence: RelativesEvidence, *, match_share: float, pair_count: float, record_count: int
) -> Fitted:
    match = match_share * np.exp2(np.clip(evidence.total, -100, 100))
    more = [each for each in (evidence.born, evidence.given) if each is not None]
    nothing = np.zeros(len(match))
    shares = [1 / record_count, *[_RARER_MIN / record_count] * len(more)]
    few = (_NUMBER_BEFORE, max(_NUMBER_RELATIVES * record_count, _CONTACT_BEFORE[1]))
    before = {c: few if c in evidence.numbers else _CONTACT_BEFORE for c in evidence.contacts}
    contacts = {name: share for name, (share, _) in before.items()}
    for _ in range(_ITERATIONS_MAX):
        together = evidence.shared.copy()
        for name, (bits, _known) in evidence.contacts.items():
            together -= not_of_relatives(bits, share=contacts[name])
        kin = [
            share * np.exp2(np.clip(together + bits, -60, 80))
            for share, bits in zip(shares, (nothing, *more), strict=True)
        ]
        relatives = np.sum(kin, axis=0)
        whole = match + 1 + relatives
        household, *rarer = (float((weight / whole).sum()) / pair_count for weight in kin)
        household = max(household, _SHARE_MIN / record_count)
        found = [household, *(max(share, household * _RARER_MIN) for share in rarer)]
        contacts = _contact_shares(evidence, contacts, before, related=relatives / whole)
        settled = abs(found[0] - shares[0]) < _CONVERGED * shares[0]
        shares = found
        if settled:
            break
    rest = iter(shares[1:])
    kinship = Kinship(
        household=shares[0],
        twins=0.0 if evidence.born is None else next(rest),
        namesakes=0.0 if evidence.given is None else next(rest),
    )
    return Fitted(kinship=kinship, contact_shares=contacts)


def _contact_shares(
    evidence: RelativesEvidence,
    shares: Mapping[str, float],
    before: Mapping[str, tuple[float, float]],
    *,
    related: Floats,
) -> dict[str, float]:
    """Of the relatives, those who share a contact: a step of the same EM."""
    result = {}
    for name, (bits, known) in evidence.contacts.items():
        share = shares[name]
        odds = share * np.exp2(np.clip(bits[known], -60, 60))
        having = related[known] * odds / (odds + 1 - share)
        first, of = before[name]
        found = (float(having.sum()) + first * of) / (float(related[known].sum()) + of)
        result[name] = min(max(found, first * _MIN_OF_BEFORE), _CONTACT_MAX)
    return result
