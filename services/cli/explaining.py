"""Explanations for the command line: ties of a profile in lines and as documents."""

from typing import Any

from services.cli.home import Home
from services.identity.adapters.sql.store import SqlStore
from services.identity.domain.ids import ProfileId
from services.resolver.explain import Tie, ties_of
from services.resolver.standing import Standing


def explain_profile(home: Home, profile: str) -> list[Tie]:
    """The ties that hold a profile together, weighed by the active model."""
    store = SqlStore(home.url)
    try:
        with store.transaction() as tx:
            return ties_of(tx, Standing().engine(tx), ProfileId(profile))
    finally:
        store.close()


def tie_document(tie: Tie) -> dict[str, Any]:
    return {
        "left": {"source": tie.left.source, "kind": tie.left.kind, "key": tie.left.key},
        "right": {"source": tie.right.source, "kind": tie.right.kind, "key": tie.right.key},
        "decisive_identifiers": list(tie.identifiers),
        "match_weight_bits": round(tie.bits, 3),
        "match_probability": round(tie.waterfall.match_probability, 6),
        "waterfall": [
            {"label": row.label, "level": row.level, "bits": round(row.bits, 3)}
            for row in tie.waterfall.rows
        ],
    }


def tie_lines(tie: Tie) -> list[str]:
    """Plain words: what the two records are, then every row of evidence."""
    title = f"{tie.right.source} {tie.right.kind} - {tie.left.source} {tie.left.kind}"
    if tie.identifiers:
        return [f"{title}: the same {', '.join(tie.identifiers)}"]
    rows = [
        f"    {row.bits:+7.2f}  {row.label}: {row.level}" for row in tie.waterfall.rows if row.units
    ]
    verdict = f"{tie.bits:+.2f} bits, probability {tie.waterfall.match_probability:.4f}"
    return [f"{title}: {verdict}", *rows]
