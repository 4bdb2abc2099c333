"""The tree against the published vectors, a slow oracle, and forged proofs."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmgmt.domain import merkle
from gridmgmt.domain.merkle import Algorithm, Frontier
from gridmgmt.errors import InvalidInput

# The eight entries and tree heads of the Certificate Transparency test vectors (RFC 6962 and 9162 agree).
ENTRIES = [
    bytes.fromhex(e)
    for e in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
HEADS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
algorithms = st.sampled_from(list(Algorithm))
sizes = st.integers(1, 70)


def leaves_of(algorithm: Algorithm, count: int) -> list[bytes]:
    hash_ = merkle.hash_of(algorithm)
    return [merkle.leaf_hash(hash_, b"%d" % i) for i in range(count)]


def oracle(algorithm: Algorithm, leaves: list[bytes]) -> bytes:
    """The head as RFC 9162 §2.1.1 writes it, word for word."""
    if not leaves:
        return hashlib.new(algorithm, b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    both = oracle(algorithm, leaves[:k]) + oracle(algorithm, leaves[k:])
    return hashlib.new(algorithm, b"\x01" + both).digest()


@pytest.mark.parametrize("size", range(9))
def test_heads_are_those_of_the_published_vectors(size: int) -> None:
    hash_ = merkle.hash_of(Algorithm.SHA256)
    leaves = [merkle.leaf_hash(hash_, e) for e in ENTRIES[:size]]
    assert merkle.root_of(Algorithm.SHA256, leaves).hex() == HEADS[size]


def test_sm3_is_that_of_the_standard() -> None:
    # GB/T 32905-2016, example 1.
    expected = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert merkle.hash_of(Algorithm.SM3)(b"abc").hex() == expected


def test_a_python_without_sm3_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str) -> None:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr(hashlib, "new", without)
    with pytest.raises(InvalidInput, match="SM3"):
        merkle.hash_of(Algorithm.SM3)


@given(algorithms, st.integers(0, 70))
def test_the_frontier_agrees_with_the_oracle(algorithm: Algorithm, size: int) -> None:
    leaves = leaves_of(algorithm, size)
    assert merkle.root_of(algorithm, leaves) == oracle(algorithm, leaves)


@given(algorithms, sizes, st.data())
def test_a_tree_goes_on_from_its_edge(algorithm: Algorithm, size: int, data: st.DataObject) -> None:
    leaves = leaves_of(algorithm, size)
    cut = data.draw(st.integers(0, size))
    first = Frontier(algorithm)
    for leaf in leaves[:cut]:
        first.append(leaf)
    second = Frontier(algorithm, first.size, first.edge)
    for leaf in leaves[cut:]:
        second.append(leaf)
    assert second.root() == oracle(algorithm, leaves)


@pytest.mark.parametrize(("size", "edge"), [(3, 1), (4, 2), (-1, 0), (1, 0)])
def test_an_edge_that_does_not_fit_its_size_is_refused(size: int, edge: int) -> None:
    with pytest.raises(InvalidInput):
        Frontier(Algorithm.SHA256, size, [bytes(32)] * edge)


@given(algorithms, sizes, st.data())
def test_every_leaf_is_proven_and_no_other(algorithm: Algorithm, size: int, data: st.DataObject) -> None:
    leaves = leaves_of(algorithm, size)
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(algorithm, leaves, index)
    root = oracle(algorithm, leaves)
    assert merkle.is_included(algorithm, leaves[index], index, size, proof, root)
    assert not merkle.is_included(algorithm, bytes(32), index, size, proof, root)
    assert not merkle.is_included(algorithm, leaves[index], index, size, [*proof, bytes(32)], root)
    other = data.draw(st.integers(0, size - 1).filter(lambda i: i != index)) if size > 1 else size
    assert not merkle.is_included(algorithm, leaves[index], other, size, proof, root)


@given(algorithms, sizes, st.data())
def test_older_trees_are_proven_and_forged_ones_are_not(
    algorithm: Algorithm, size: int, data: st.DataObject
) -> None:
    leaves = leaves_of(algorithm, size)
    old = data.draw(st.integers(1, size))
    proof = merkle.consistency_proof(algorithm, leaves, old)
    before, now = (old, oracle(algorithm, leaves[:old])), (size, oracle(algorithm, leaves))
    assert merkle.is_consistent(algorithm, before, now, proof)
    assert not merkle.is_consistent(algorithm, (old, bytes(32)), now, proof)
    assert not merkle.is_consistent(algorithm, before, (size, bytes(32)), proof)
    if proof:
        forged = list(proof)
        place = data.draw(st.integers(0, len(proof) - 1))
        forged[place] = bytes(32)
        assert not merkle.is_consistent(algorithm, before, now, forged)
        assert not merkle.is_consistent(algorithm, before, now, proof[:-1])


@settings(max_examples=50)
@given(sizes, st.data())
def test_a_rewritten_leaf_breaks_consistency(size: int, data: st.DataObject) -> None:
    leaves = leaves_of(Algorithm.SHA256, size + 1)
    old = data.draw(st.integers(1, size))
    before = (old, oracle(Algorithm.SHA256, leaves[:old]))
    leaves[data.draw(st.integers(0, old - 1))] = bytes(32)
    proof = merkle.consistency_proof(Algorithm.SHA256, leaves, old)
    assert not merkle.is_consistent(
        Algorithm.SHA256, before, (len(leaves), oracle(Algorithm.SHA256, leaves)), proof
    )


def test_proofs_of_what_is_not_there_are_refused() -> None:
    leaves = leaves_of(Algorithm.SHA256, 3)
    with pytest.raises(InvalidInput):
        merkle.inclusion_proof(Algorithm.SHA256, leaves, 3)
    for old in (0, 4):
        with pytest.raises(InvalidInput):
            merkle.consistency_proof(Algorithm.SHA256, leaves, old)
    root = oracle(Algorithm.SHA256, leaves)
    assert not merkle.is_included(Algorithm.SHA256, leaves[0], 3, 3, [], root)
    assert not merkle.is_consistent(Algorithm.SHA256, (0, root), (3, root), [])
