"""`plait load --bulk`: land and resolve a whole base, with a process for every core."""

from typing import Any

from services.cli.crew import LAND, RESOLVE, Crew
from services.cli.home import Home
from services.cli.output import Progress, tell
from services.identity.adapters.sql.bulk import bulk_transaction
from services.identity.adapters.sql.store import SqlStore
from services.resolver.bulk import connect_base
from services.resolver.consume import is_landed
from services.resolver.standing import Standing


def fill(home: Home, crew: Crew, progress: Progress) -> dict[str, Any]:
    """Land in parallel, connect the whole base at once, cluster and tell in parallel."""
    store, log = SqlStore(home.url), home.log()
    try:
        crew.do(LAND)
        while not is_landed(store, log):  # a partition changed hands while both looked for the end
            crew.do(LAND)
        with store.transaction() as tx:
            engine = Standing().engine(tx)
    finally:
        store.close()
        log.close()
    progress(1)
    with bulk_transaction(home.url) as bulk:
        filled = connect_base(bulk, engine, at=home.clock.now(), progress=tell)
    progress(1)
    crew.do(RESOLVE)
    progress(1)
    return {
        "records": filled.records,
        "pairs": filled.pairs,
        "edges": filled.edges,
        "components": filled.components,
        "generic_keys": filled.generic_keys,
    }
