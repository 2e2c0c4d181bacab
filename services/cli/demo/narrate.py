"""What the demo prints: how a profile grew, why records were joined, what a decision says."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.resolver.explain import Tie

Profile = Mapping[str, Any]
BAR_CELLS = 30
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_SHOWN_FIELDS = (
    "given_name", "surname", "full_name", "email", "phone", "date_of_birth", "address_line", "city",
)  # fmt: skip


def profile_lines(profile: Profile, before: Profile | None) -> list[str]:
    """The profile, with what is new since it was looked at before."""
    known = _facts(before) if before is not None else set()
    records = ", ".join(f"{each['source']} {each['kind']}" for each in profile["records"])
    lines = [
        f"  profile {profile['profile_id']}  identity confidence {profile['identity_confidence']}",
        f"    records       {records}",
    ]
    for label, text in sorted(_facts(profile) - known, key=_place):
        lines.append(f"  {'+' if before is not None else ' '} {label:<13} {text}")
    for label, text in sorted(known - _facts(profile), key=_place):
        if label == "segment":
            lines.append(f"  - {label:<13} {text}")
    return lines


def tie_lines(tie: Tie) -> list[str]:
    """Why two records stand in one profile: in one line, then the evidence for and against."""
    left, right = tie.left, tie.right
    title = f"  joined: {right.source} {right.kind} with {left.source} {left.kind}"
    if tie.identifiers:
        return [f"{title}, because both carry the same {', '.join(tie.identifiers)}"]
    probability = tie.waterfall.match_probability
    return [f"{title}, probability {probability:.4f}, bits of evidence:", *_evidence(tie)]


def apart_lines(whose: str, tie: Tie) -> list[str]:
    """Why somebody stayed apart: the most that any two of their records have in common."""
    probability = tie.waterfall.match_probability
    title = f"{tie.right.source} {tie.right.kind} with {tie.left.source} {tie.left.kind}"
    return [f"  {whose}: at most {title}, probability {probability:.4f}", *_evidence(tie)]


def _evidence(tie: Tie) -> list[str]:
    return [
        f"    {row.bits:+6.1f}  {row.label}: {row.level}"
        for row in tie.waterfall.rows
        if abs(row.bits) >= 0.05  # noqa: PLR2004  # what rounds to nothing explains nothing
    ]


def decision_lines(decision: Mapping[str, Any]) -> list[str]:
    reasons = ", ".join(each["code"] for each in decision["reasons"]) or "nothing in the way"
    lines = [f"  POST /v1/decisions: may TV at 30 be offered? {decision['decision']} ({reasons})"]
    held = decision.get("already_held")
    if held:
        lines.append(
            f"  offered {_pounds(held['offered_price'])}, she pays {_pounds(held['held_price'])}"
            f" since {held['held_from']}: the offer would have cost money and trust"
        )
    return lines


def bar(share: float) -> str:
    """A bar of Unicode blocks, as long as the share of one."""
    eighths = round(max(0.0, min(1.0, share)) * BAR_CELLS * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(BAR_CELLS)


def silo_lines(report: Mapping[str, Any]) -> list[str]:
    """The silo report as a picture."""
    counts = (*report["records_by_channel"].values(), report["people"], report["profiles"])
    most = max(*counts, 1)
    lines = ["  what each silo counts, and how many people there are"]
    for channel, count in report["records_by_channel"].items():
        lines.append(f"    {channel:<12} {count:>7,}  {bar(count / most)} records")
    lines.append(f"    {'people':<12} {report['people']:>7,}  {bar(report['people'] / most)}")
    lines.append(f"    {'profiles':<12} {report['profiles']:>7,}  {bar(report['profiles'] / most)}")
    lines.append("  in how many channels the people are")
    for number, count in report["people_by_channel_count"].items():
        lines.append(f"    {number:<12} {count:>7,}  {bar(count / max(report['people'], 1))}")
    several = report["people_in_two_or_more_channels"]
    lines.append(
        f"  {several:,} of {report['people']:,} people ({several / max(report['people'], 1):.0%})"
        " are in two or more channels"
    )
    return [*lines, *_quality_lines(report)]


def _quality_lines(report: Mapping[str, Any]) -> list[str]:
    pairs = [report[name] for name in ("precision", "recall", "f1")]
    bcubed = [report[name] for name in ("bcubed_precision", "bcubed_recall")]
    false, missed, largest = (
        report[name] for name in ("false_pairs", "missed_pairs", "largest_profile")
    )
    return [
        "  against the truth, which the product never saw",
        "    pairs     precision {:.4f}   recall {:.4f}   F1 {:.4f}".format(*pairs),
        "    B-cubed   precision {:.4f}   recall {:.4f}".format(*bcubed),
        f"    {false:,} pairs joined wrongly, {missed:,} missed; largest profile {largest} records",
    ]


def check_lines(checks: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"  {'ok  ' if each['passed'] else 'FAIL'} {each['name']}"
        + (f"  ({each['detail']})" if each["detail"] else "")
        for each in checks
    ]


def _facts(profile: Profile) -> set[tuple[str, str]]:
    """What is known of her, as (label, text)."""
    facts = {
        (name, f"{field['value']}  ({field['source']})")
        for name, field in profile["fields"].items()
        if name in _SHOWN_FIELDS
    }
    facts |= {("segment", each["id"]) for each in profile["segments"]}
    facts |= {
        ("holds", f"{each['product']} at {_pounds(each['price'])} since {each['held_from']}")
        for each in profile["holdings"]
        if each["active"]
    }
    facts |= {("seen", f"{name} ({each['count']})") for name, each in profile["events"].items()}
    return facts | {
        ("consent", f"{each['purpose']} on {each['channel']}: {'yes' if each['granted'] else 'no'}")
        for each in profile["consents"]
    }


def _place(fact: tuple[str, str]) -> tuple[int, str]:
    order = (*_SHOWN_FIELDS, "seen", "holds", "consent", "segment")
    return (order.index(fact[0]), fact[1])


def _pounds(price: str | None) -> str:
    if price is None:
        return "an unknown price"
    amount = Decimal(price)
    return f"£{amount:.0f}" if amount == int(amount) else f"£{amount:.2f}"
