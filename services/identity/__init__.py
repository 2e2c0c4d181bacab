"""The shared package: domain, ports, wire and adapters, each floor knowing only those below."""
