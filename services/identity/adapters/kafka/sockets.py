"""Sockets that are closed when they cannot connect.

kafka-python 3.0.12 leaves a socket whose connection was refused to the garbage collector, and a
client tries again up to twenty times a second: where cycles are collected seldom, a broker that
stays away would cost every file descriptor of the process.
"""

import socket
from typing import Any

from kafka.net.inet import KafkaNetSocket

DIRECT = "direct://"  # given to a client as its proxy, it makes the client use these sockets


class ClosingSocket(KafkaNetSocket):  # type: ignore[misc]  # kafka-python has no types
    """Known to the client by its scheme, as the proxies are; it goes straight to the broker."""

    SCHEMES = ("direct",)

    async def sock_connect(
        self,
        net: Any,  # noqa: ANN401  # kafka-python has no types
        sock: socket.socket,
        sockaddr: Any,  # noqa: ANN401  # as above
        timeout_at: float | None = None,
    ) -> socket.socket:
        try:
            await super().sock_connect(net, sock, sockaddr, timeout_at=timeout_at)
        except BaseException:
            sock.close()
            raise
        return sock
