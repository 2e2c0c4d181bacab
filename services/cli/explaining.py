"""Ties of a profile as documents, for the demo's report."""

from typing import Any

from services.resolver.explain import Tie


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
