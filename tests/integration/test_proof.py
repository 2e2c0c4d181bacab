"""The permutation proof, at the size that every test run can pay for."""

import json

from tests.integration.commands import run_here


def test_ten_orders_of_500_messages_come_to_one_state() -> None:
    done = run_here("proof", "--orders", "10", "--events", "500", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["same"]
    assert told["records"] > told["profiles"] > 100
