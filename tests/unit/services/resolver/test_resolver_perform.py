"""What is written and told of a change: once, numbered, with the segments that follow from it."""

from services.identity.domain.ids import Micros, RecordKey, SegmentId, profile_id_of
from services.identity.store_marks import MarkKind
from services.identity.wire.changes import SEGMENT_CHANGES
from tests.factories import channel_event
from tests.resolver_home import Home

LEES = {"id": "lees", "name": "The Lees", "predicate": "surname = 'Lee'"}
SHARED = {"id": "shared", "name": "Not alone", "predicate": "household_size > 1"}
ANN = RecordKey("web", "user_id", "ann")


def a_home() -> Home:
    home = Home()
    home.store.save_segment(SegmentId("lees"), LEES)
    return home


def test_a_profile_enters_and_leaves_a_segment_and_both_are_told() -> None:
    home = a_home().say(channel_event(user_id="ann", traits={"lastName": "Lee"}))
    home.say(channel_event(user_id="ann", message_id="2", minute=1, traits={"lastName": "Ray"}))
    told = [(m.type, m.data["reason"]) for m in home.told(SEGMENT_CHANGES)]
    assert told == [("segment.entered", "condition"), ("segment.left", "condition")]
    assert home.hash().memberships == 0


def test_a_profile_without_records_leaves_its_segments() -> None:
    home = a_home().say(channel_event(user_id="ann", minute=5, traits={"lastName": "Lee"}))
    home.say(channel_event(user_id="ben", minute=4, traits={"lastName": "Ray"}))
    told = [(m.type, m.data["reason"]) for m in home.told(SEGMENT_CHANGES)]
    assert told == [("segment.entered", "condition"), ("segment.left", "profile_gone")]
    assert [m.type for m in home.told()][-3:].count("profile.deleted") == 1
    stored = home.store.tables.profiles[profile_id_of(ANN)]
    assert stored.document is None


def test_sequences_count_over_both_topics_and_go_on_after_a_deletion() -> None:
    home = a_home().say(channel_event(user_id="ann", minute=5, traits={"lastName": "Lee"}))
    home.say(channel_event(user_id="ben", minute=4))
    home.say(channel_event(user_id="ann", message_id="2"))
    told = [*home.told(), *home.told(SEGMENT_CHANGES)]
    own = sorted(m.sequence for m in told if m.profile_id == profile_id_of(ANN))
    assert own == list(range(1, len(own) + 1))
    assert home.store.tables.profiles[profile_id_of(ANN)].sequence == own[-1]


def test_an_event_that_changes_nothing_shown_tells_nothing() -> None:
    home = a_home()
    said = channel_event(user_id="ann", traits={"lastName": "Lee"})
    before = len(home.say(said).told())
    assert len(home.say(said).told()) == before


def test_who_loses_a_record_that_stood_elsewhere_is_looked_at_again() -> None:
    """While a component is set aside its records keep profiles that others stand in, too."""
    home = Home()
    home.store.save_segment(SegmentId("shared"), SHARED)
    home.say(channel_event(user_id="ann"), channel_event(user_id="ben", message_id="2"))
    numbers = {key.key: number for key, number in home.store.tables.numbers.items()}
    with home.store.transaction() as tx:
        ben = tx.memberships([numbers["ben"]])[numbers["ben"]]
        tx.put_memberships([ben._replace(profile=profile_id_of(ANN))])
        tx.mark([(MarkKind.COMPONENT, numbers["ben"], Micros(0))])
    home.worker.resolve_once()
    left = [(mark.kind, mark.subject) for mark in home.store.tables.marks.values()]
    assert (MarkKind.TRAITS, numbers["ann"]) in left
