"""What a report or a sighting refers to is here before it: a photo is a picture, a recording a sound."""

from collections.abc import Collection, Sequence

from gridmgmt.errors import MissingFact


def require_uploaded(
    photos: Sequence[str],
    recordings: Sequence[str],
    *,
    photos_known: Collection[str],
    recordings_known: Collection[str],
) -> None:
    """Refuse what refers to files that were not uploaded; neither kind stands for the other.

    Raises
    ------
    MissingFact
        ``facts["missing"]`` says of which kind; ``facts["photos"]`` lists all digests that are not here.
    """
    unknown = {
        "photos": [digest for digest in photos if digest not in photos_known],
        "recordings": [digest for digest in recordings if digest not in recordings_known],
    }
    missing = [name for name, digests in unknown.items() if digests]
    if missing:
        raise MissingFact(
            "Upload the photos first, then send what refers to them.", article="22-1", rule="R22a",
            missing=missing, photos=unknown["photos"] + unknown["recordings"],
        )  # fmt: skip
