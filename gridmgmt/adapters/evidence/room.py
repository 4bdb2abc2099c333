"""Everything that evidence photos need from outside the database, as one thing to hand on."""

from dataclasses import dataclass
from pathlib import Path

from gridmgmt.adapters.evidence.blobs import Blobs, LocalBlobs
from gridmgmt.adapters.evidence.pool import Examiner, ImagePool
from gridmgmt.adapters.evidence.s3 import S3Blobs, S3Place
from gridmgmt.adapters.evidence.spool import Spool, Uploads
from gridmgmt.adapters.evidence.vault import Sealer, Vault


@dataclass(frozen=True, slots=True)
class EvidenceRoom:
    """The vault, the limited processes, and the places where bytes come in."""

    vault: Vault
    examiner: Examiner
    spool: Spool
    uploads: Uploads

    def close(self) -> None:
        """End the processes."""
        if isinstance(self.examiner, ImagePool):
            self.examiner.close()


def open_room(
    root: Path,
    incoming: Path,
    sealer: Sealer,
    *,
    limit_bytes: int,
    data_dir: Path,
    s3: S3Place | None = None,
    examiner: Examiner | None = None,
) -> EvidenceRoom:
    """The evidence room of an installation.

    Parameters
    ----------
    root : directory of photos; with S3 only ones from before the vault lie there.
    incoming : directory of what is on its way in; apart, because backups take files that never change.
    limit_bytes : largest photo accepted.
    data_dir : where the strip's font is looked for, as ``fonts/labels.otf``.
    s3 : keep photos in this bucket instead of below ``root``.
    examiner : another than processes of its own.
    """
    blobs: Blobs = LocalBlobs(root) if s3 is None else S3Blobs(s3)
    return EvidenceRoom(
        vault=Vault(blobs, sealer, before_sealing=root),
        examiner=examiner or ImagePool(font=data_dir / "fonts" / "labels.otf"),
        spool=Spool(incoming, limit_bytes=limit_bytes),
        uploads=Uploads(incoming),
    )
