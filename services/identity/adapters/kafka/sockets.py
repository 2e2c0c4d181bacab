"""Sockets that are closed when they cannot connect, or when nobody holds them any more.

kafka-python 3.0.12 leaves a socket whose connection was refused to the garbage collector, and a
client tries again up to twenty times a second: where cycles are collected seldom, a broker that
stays away would cost every file descriptor of the process. A client that is closed while it
connects forgets the socket it has just got.
"""

from socket import socket as Socket  # noqa: N812  # the method below takes the plain name
from typing import Any

from kafka.net.inet import KafkaNetSocket

DIRECT = "direct://"  # given to a client as its proxy, it makes the client use these sockets


class _Socket(Socket):
    """Closed with its last reference; a plain one is too, but warns of it."""

    def __del__(self) -> None:
        self.close()


class ClosingSocket(KafkaNetSocket):  # type: ignore[misc]  # kafka-python has no types
    """Known to the client by its scheme, as the proxies are; it goes straight to the broker."""

    SCHEMES = ("direct",)

    def socket(self, family: int, sock_type: int, proto: int) -> Socket:
        return _Socket(family, sock_type, proto)

    async def sock_connect(
        self,
        net: Any,  # noqa: ANN401  # kafka-python has no types
        sock: Socket,
        sockaddr: Any,  # noqa: ANN401  # as above
        timeout_at: float | None = None,
    ) -> Socket:
        try:
            await super().sock_connect(net, sock, sockaddr, timeout_at=timeout_at)
        except BaseException:
            sock.close()
            raise
        return sock
