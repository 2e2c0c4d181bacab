"""`identity.yaml` on a real home: taken where nothing landed, refused later, applied when told."""

from pathlib import Path

import pytest

from services.cli.home import Home
from services.cli.rules import apply_rules, rules_of, take_rules
from services.cli.workers import worker_on
from services.identity.domain.errors import UsageError
from services.identity.domain.ids import SourceName
from services.identity.domain.ruleset import Ruleset, parse_ruleset
from services.identity.domain.source import Source
from tests.factories import channel_event, outgoing

FIVE, SIX = "generic: {identifiers: 5}", "generic: {identifiers: 6}"


@pytest.mark.integration
def test_rules_are_taken_refused_and_applied(database_url: str, tmp_path: Path) -> None:
    rules, file = tmp_path / "identity.yaml", tmp_path / "plait.yaml"
    file.write_text(f"database: {database_url}\nstate: state\nrules: identity.yaml\n")
    rules.write_text(FIVE)
    home = Home(file)
    assert rules_of(home) == Ruleset()
    home.add_source(Source(name=SourceName("web"), channel="web", workspace="shop"))
    with worker_on(home) as worker:  # nothing landed yet: the file's rules are taken
        assert rules_of(home).identity.generic_holders_max == 5
        log = home.log()
        producer = log.producer()
        producer.append([outgoing(channel_event(user_id="u-1"))])
        producer.close()
        log.close()
        worker.run_until_caught_up()

    rules.write_text(f"# only a remark\n{FIVE}")
    take_rules(home)
    rules.write_text(SIX)
    with pytest.raises(UsageError, match="plait rules apply"):
        take_rules(home)
    assert rules_of(home).identity.generic_holders_max == 5

    apply_rules(rules, home=file, as_json=True)
    take_rules(home)
    assert rules_of(home) == parse_ruleset({"generic": {"identifiers": 6}})
    with worker_on(home) as worker:  # every record was marked
        assert worker.run_until_caught_up()[1] > 0
