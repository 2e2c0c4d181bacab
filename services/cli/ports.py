"""The services of a stack, and the ports where their doors listen."""

from dataclasses import dataclass

API_PORT, INGEST_PORT, RESOLVER_PORT = 8400, 8401, 8402
SERVICES = ("ingest", "resolver", "api")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Others are taken where these are taken."""

    api: int = API_PORT
    ingest: int = INGEST_PORT
    resolver: int = RESOLVER_PORT

    def of(self, service: str) -> int:
        return {"api": self.api, "ingest": self.ingest, "resolver": self.resolver}[service]
