"""A broker's folder keeps its ports while they are free."""

import socket
from pathlib import Path

from services.identity.adapters.kafka.local_ports import LOOPBACK, PORT_MAX, PORT_MIN, free_ports

FOLDER = Path("/a/folder/of/a/test")


def test_a_folder_is_given_the_same_ports_again() -> None:
    first = free_ports(FOLDER, (), count=2)
    assert free_ports(FOLDER, (), count=2) == first
    assert len(set(first)) == 2
    assert all(PORT_MIN <= port < PORT_MAX for port in first)


def test_a_port_that_is_taken_is_passed_over() -> None:
    first = free_ports(FOLDER, (), count=1)[0]
    with socket.socket() as taken:
        taken.bind((LOOPBACK, first))
        taken.listen()
        other = free_ports(FOLDER, (first,), count=1)[0]
    assert other != first
    assert free_ports(FOLDER, (other,), count=1) == [other]
