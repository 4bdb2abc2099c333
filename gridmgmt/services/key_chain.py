"""Which keys may have signed a log: the given ones, and those that they lead to."""

import base64
import binascii
from collections.abc import Iterable, Sequence

from gridmgmt.adapters.signing import is_signed_by
from gridmgmt.domain.checkpoint import HeadKind, parse_note
from gridmgmt.errors import InvalidInput
from gridmgmt.storage.seal import Checkpoint


def trusted_keys(turns: Iterable[Checkpoint], given: Sequence[bytes]) -> list[bytes]:
    """The given public keys and all that key rotations tie to them.

    A rotation's head names the old and the new key and bears both signatures: who trusts one follows to the
    other. A rotation that no trusted key signed leads nowhere.
    """
    rotations = []
    for turn in turns:
        try:
            note = parse_note(turn.note)
            old, new = (base64.b64decode(note.head.facts[n], validate=True) for n in ("old-key", "new-key"))
        except (InvalidInput, KeyError, binascii.Error):
            continue
        if note.head.kind is HeadKind.KEY_ROTATION and all(is_signed_by(note, key) for key in (old, new)):
            rotations.append({old, new})
    trusted = set(given)
    found = True
    while found:
        reached = [pair for pair in rotations if pair & trusted and not pair <= trusted]
        trusted.update(*reached)
        found = bool(reached)
    return sorted(trusted)
