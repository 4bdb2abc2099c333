"""A Merkle tree over an append-only log, after RFC 9162 §2.1.

A leaf is ``H(0x00 ‖ entry)`` and an inner node ``H(0x01 ‖ left ‖ right)``, so that no entry can be taken
for a node. A tree of *n* leaves splits at the largest power of two below *n*; it is never rebalanced, so
every older tree is a part of every newer one, which is what a consistency proof shows.

:class:`Frontier` grows a tree while it keeps only its right edge (at most one hash per binary digit of
the size). The proofs take all leaves; who checks one needs nothing but the proof.

``H`` is SHA-256 or SM3 (GB/T 32905), both of 32 bytes and both from ``hashlib``.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

from gridmgmt.errors import InvalidInput

HASH_BYTES = 32
_LEAF, _NODE = b"\x00", b"\x01"

Hash = Callable[[bytes], bytes]


class Algorithm(StrEnum):
    """Hash functions of a log; a log keeps the one that it began with."""

    SHA256 = "sha256"
    SM3 = "sm3"


def hash_of(algorithm: Algorithm) -> Hash:
    """The hash function.

    Raises
    ------
    InvalidInput
        This Python's OpenSSL was built without SM3, as some distributions do.
    """
    if algorithm is Algorithm.SHA256:
        return lambda data: hashlib.sha256(data).digest()
    try:
        fresh = hashlib.new(algorithm.value)
    except ValueError:
        raise InvalidInput("This Python's OpenSSL has no SM3.", algorithm=algorithm.value) from None

    def digest(data: bytes) -> bytes:
        # A copy is five times cheaper than asking OpenSSL for the algorithm by name each time.
        one = fresh.copy()
        one.update(data)
        return one.digest()

    return digest


def leaf_hash(hash_: Hash, entry: bytes) -> bytes:
    """The hash of an entry as a leaf."""
    return hash_(_LEAF + entry)


def node_hash(hash_: Hash, left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hash_(_NODE + left + right)


class Frontier:
    """The right edge of a growing tree: the roots of its complete subtrees, largest first.

    Parameters
    ----------
    algorithm : of every hash in it.
    size, edge : of a tree to go on with; an empty one by default.

    Raises
    ------
    InvalidInput
        The edge does not have one hash for each binary 1 of the size.
    """

    def __init__(self, algorithm: Algorithm, size: int = 0, edge: Iterable[bytes] = ()) -> None:
        self._hash = hash_of(algorithm)
        self.size = size
        self._edge = list(edge)
        if size < 0 or len(self._edge) != size.bit_count() or any(len(h) != HASH_BYTES for h in self._edge):
            raise InvalidInput("This edge belongs to no tree of that size.", size=size)

    @property
    def edge(self) -> tuple[bytes, ...]:
        """What is enough to go on from here."""
        return tuple(self._edge)

    def append(self, leaf: bytes) -> None:
        """Add the hash of the next leaf."""
        node, rest = leaf, self.size
        while rest & 1:
            node = self._hash(_NODE + self._edge.pop() + node)
            rest >>= 1
        self._edge.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The tree head; that of the empty tree is the hash of nothing."""
        if not self._edge:
            return self._hash(b"")
        node = self._edge[-1]
        for left in reversed(self._edge[:-1]):
            node = node_hash(self._hash, left, node)
        return node


def _split(size: int) -> int:
    """The largest power of two below ``size`` (at least 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def root_of(algorithm: Algorithm, leaves: Sequence[bytes]) -> bytes:
    """The tree head over leaf hashes."""
    frontier = Frontier(algorithm)
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def inclusion_proof(algorithm: Algorithm, leaves: Sequence[bytes], index: int) -> list[bytes]:
    """What leads from one leaf to the head, nearest first (RFC 9162 §2.1.3.1).

    Parameters
    ----------
    leaves : hashes of all leaves of the tree.
    index : of the leaf, from 0.

    Raises
    ------
    InvalidInput
        The tree has no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise InvalidInput("The tree has no such leaf.", index=index, size=len(leaves))
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return [*inclusion_proof(algorithm, leaves[:k], index), root_of(algorithm, leaves[k:])]
    return [*inclusion_proof(algorithm, leaves[k:], index - k), root_of(algorithm, leaves[:k])]


def is_included(
    algorithm: Algorithm, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether a proof leads from this leaf to this head (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    hash_ = hash_of(algorithm)
    place, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            node = node_hash(hash_, sibling, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(hash_, node, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and node == root


def consistency_proof(algorithm: Algorithm, leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """What shows that the first leaves make the older tree (RFC 9162 §2.1.4.1).

    Raises
    ------
    InvalidInput
        The older tree is empty or larger than this one.
    """
    if not 0 < old_size <= len(leaves):
        raise InvalidInput("There is no such older tree.", old_size=old_size, size=len(leaves))
    return _subproof(algorithm, leaves, old_size, whole=True)


def _subproof(algorithm: Algorithm, leaves: Sequence[bytes], old_size: int, *, whole: bool) -> list[bytes]:
    size = len(leaves)
    if old_size == size:
        return [] if whole else [root_of(algorithm, leaves)]
    k = _split(size)
    if old_size <= k:
        return [
            *_subproof(algorithm, leaves[:k], old_size, whole=whole),
            root_of(algorithm, leaves[k:]),
        ]
    return [
        *_subproof(algorithm, leaves[k:], old_size - k, whole=False),
        root_of(algorithm, leaves[:k]),
    ]


def is_consistent(
    algorithm: Algorithm, old: tuple[int, bytes], new: tuple[int, bytes], proof: Sequence[bytes]
) -> bool:
    """Whether a proof shows that the newer tree begins with the older one (RFC 9162 §2.1.4.2).

    Parameters
    ----------
    old, new : size and root of each tree.
    """
    (old_size, old_root), (new_size, new_root) = old, new
    if old_size == new_size:
        return not proof and old_root == new_root
    if not 0 < old_size < new_size or not proof:
        return False
    # A complete older tree is itself the first node; the proof leaves it out.
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    hash_ = hash_of(algorithm)
    place, last = old_size - 1, new_size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old_node = new_node = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old_node = node_hash(hash_, sibling, old_node)
            new_node = node_hash(hash_, sibling, new_node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new_node = node_hash(hash_, new_node, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and old_node == old_root and new_node == new_root
