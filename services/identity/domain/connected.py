"""Connected sets: which nodes edges tie together, directly or by way of others."""

from collections.abc import Iterable


def connect(nodes: Iterable[int], edges: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Of each node the smallest that it is connected to, itself included. Edges are among nodes."""
    root = {node: node for node in nodes}

    def find(node: int) -> int:
        while root[node] != node:
            root[node] = root[root[node]]
            node = root[node]
        return node

    for a, b in edges:
        one, other = find(a), find(b)
        if one < other:
            root[other] = one
        else:
            root[one] = other
    return {node: find(node) for node in root}
