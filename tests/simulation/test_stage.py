"""The stage's own judgement: who waits for whom, and who gives way."""

import psycopg
import pytest

from services.identity.adapters.sql.engine import connect
from tests.simulation.actors import Actor, Order
from tests.simulation.stage import Stage
from tests.simulation.stores import SteppedSqlStore

LOCK = "SELECT FROM paper WHERE id = %s FOR UPDATE"


@pytest.mark.integration
def test_of_two_who_wait_for_each_other_the_later_gives_way(database_url: str) -> None:
    with connect(database_url) as connection:
        connection.execute("CREATE TABLE paper AS SELECT id FROM generate_series(1, 2) AS id")
        connection.commit()
    ended: dict[str, str] = {}

    def life(first: int, second: int, actor: Actor) -> None:
        store = SteppedSqlStore(database_url, actor)
        try:
            connection = store._connected()  # noqa: SLF001  # its statements are what is stepped
            with connection.transaction():
                connection.execute(LOCK, (first,))
                connection.execute(LOCK, (second,))
            ended[actor.name] = "done"
        except psycopg.errors.DeadlockDetected:
            ended[actor.name] = "gave way"
        finally:
            store.close()

    with connect(database_url, autocommit=True) as monitor:
        stage = Stage(monitor)
        actors = [
            Actor("one", lambda actor: life(1, 2, actor)),
            Actor("two", lambda actor: life(2, 1, actor)),
        ]
        stage.actors = [*actors]
        stage.settle()
        for _ in range(2):  # each its first row, then the other's
            for actor in actors:
                actor.resume(Order.GO)
                stage.settle()
    assert ended == {"one": "done", "two": "gave way"}
    assert len(stage.deadlocks) == 1
    assert stage.blocked == 2
    assert stage.actors == []
