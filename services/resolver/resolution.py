"""What one batch of resolving came to."""

from dataclasses import dataclass

from services.resolver.perform import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What one batch came to, for counters and logs."""

    marks: int
    records: int
    pairs: int
    edges: int
    told: Told
    left: int = 0
    """Marks that wait for another batch, since another worker had what they meet in hand."""
    burden: int = 0
    """How much of what one transaction may take on (burden.py)."""
