"""Backups of an installation and the way back: PostgreSQL's own tools, and our own digests around them.

::

    ROOT/                            one directory, on another disk or host than the data
      wal/                           received by pg_receivewal, synced as it arrives
        0000000100000000000000A3         a finished segment
        0000000100000000000000A4.partial the one that is being received
        wal.sha256                       digest of each finished segment
      files/photos/ab/cd/abcd…       evidence, each file once however many backups name it
      files/photos.sha256            digest of each
      20261125T184500Z/              one backup; its name is the instant it was begun at
        base/                            what pg_basebackup wrote
        base.sha256                      digest of every file below base/
        photos.sha256                    the evidence that belongs to it
        manifest.json                    facts, digests of the two lists, fingerprints of keys
        manifest.seal                    HMAC of manifest.json under the installation's key

All lists have the form of ``sha256sum``, so that anybody can check them without this program. A backup
without manifest is one that was interrupted, and counts as none. Keys are in no backup; a fingerprint of
each tells at a restore whether the right ones are at hand.

Files: :mod:`place` (this layout), :mod:`tools` (PostgreSQL's programs), :mod:`receive` (the WAL),
:mod:`create`, :mod:`verify`, :mod:`restore`, :mod:`retention`. What is deliberately not here: pg_dump
(no point in time), compression and encryption (the file system's or the off-site copy's business).
"""
