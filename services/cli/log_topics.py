"""Whether the topics of a home's log are as declared: what a start sets right and what not."""

from collections.abc import Sequence

from services.cli.home import Home
from services.identity.adapters.topics import load_topics
from services.identity.domain.errors import RetryableError, UsageError


def mend(home: Home) -> tuple[list[str], list[str]]:
    """What stays wrong, and what was and is no longer; topics that are made anew are neither."""
    declared = load_topics()
    try:
        log = home.log_as_it_is()
        before = log.topic_faults(declared)
        try:
            log.ensure_topics(declared)
        except UsageError as error:
            return [*before, str(error)], []
        after = log.topic_faults(declared)
        log.close()
    except RetryableError as error:
        return [str(error)], []
    return list(after), _changed(before, after)


def _changed(before: Sequence[str], after: Sequence[str]) -> list[str]:
    return [each for each in before if each not in after and not each.endswith("does not exist")]
