"""Connected components and distances in steps, for graphs of any size."""

import numpy as np

from gridmgmt.planning.coverage import IntArray
from gridmgmt.planning.search.arrays import OTHER, Int32Array, Int64Array
from gridmgmt.planning.search.compiled import compiled


@compiled
def component_labels(count: int, pairs: Int64Array) -> Int64Array:
    """Return for each of ``count`` nodes the smallest node that ``pairs`` connect it with."""
    root = np.arange(count)
    for i in range(len(pairs)):
        a, b = pairs[i, 0], pairs[i, 1]
        while root[a] != a:
            root[a] = root[root[a]]
            a = root[a]
        while root[b] != b:
            root[b] = root[root[b]]
            b = root[b]
        if a < b:
            root[b] = a
        elif b < a:
            root[a] = b
    for node in range(count):
        # Roots are smaller than their members, so those are final when this one is reached.
        root[node] = root[root[node]]
    return root


@compiled
def hops_from(first: Int64Array, edge: Int32Array, source: int) -> IntArray:
    """Return the steps from ``source`` to each node of a connected piece."""
    count = len(first) - 1
    hops = np.full(count, -1)
    queue = np.empty(count, dtype=np.int64)
    hops[source] = 0
    queue[0] = source
    read, written = 0, 1
    while read < written:
        here = queue[read]
        read += 1
        for e in range(first[here], first[here + 1]):
            near = edge[e, OTHER]
            if hops[near] < 0:
                hops[near] = hops[here] + 1
                queue[written] = near
                written += 1
    return hops
