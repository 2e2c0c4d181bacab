"""How sure an identity must be for a read: what the caller asks, and what the use asks."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.identity.domain.ids import ProfileId
from services.profile_api.problems import Code, ProblemError


@dataclass(frozen=True, slots=True, kw_only=True)
class Sureness:
    """`use` is one that the rules name."""

    use: str | None = None
    confidence_min: float = 0.0

    @property
    def asks_nothing(self) -> bool:
        return self.use is None and self.confidence_min <= 0

    def least(self, uses: Mapping[str, float]) -> float:
        """Raises ProblemError 422 for a use that the policy does not name: it asks for nothing."""
        if self.use is None:
            return self.confidence_min
        if self.use not in uses:
            known = ", ".join(sorted(uses)) or "none; name them in `merge_policy: uses`"
            raise ProblemError(
                Code.INVALID_REQUEST, f"this use is not one of the rules; known: {known}"
            )
        return max(self.confidence_min, uses[self.use])


def check_sure(
    profile: ProfileId, confidence: float, asked: Sureness, uses: Mapping[str, float]
) -> None:
    """Raises ProblemError 409 that tells how sure it is, and nothing of the person."""
    least = asked.least(uses)
    if confidence >= least:
        return
    raise ProblemError(
        Code.NOT_SURE_ENOUGH,
        f"that its records are one person's is {confidence:.6g} sure; {least:.6g} is asked for;"
        f" `plait how {profile}` tells what joined them",
        members={
            "profile_id": profile,
            "identity_confidence": confidence,
            "min_confidence": least,
            "use": asked.use,
        },
    )
