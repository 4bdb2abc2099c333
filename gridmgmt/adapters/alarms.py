"""Raising an alarm by a way that needs neither the database nor the queue.

A command of the operator's own (a text message, a mail, a horn) gets the alarm as JSON on its standard
input; a file gets it as a line. The command is started without a shell and has bounded time.
"""

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

_COMMAND_LIMIT_S = 20


def raise_alarm(facts: Mapping[str, Any], *, command: str | None, file: Path | None) -> list[str]:
    """Raise it by both ways, each whatever becomes of the other; what went wrong, in words."""
    content = orjson.dumps(dict(facts), default=str)
    failed = []
    if file is not None:
        try:
            with file.open("ab") as target:
                target.write(content + b"\n")
                target.flush()
                os.fsync(target.fileno())
        except OSError as exc:
            failed.append(f"the alarm file cannot be written: {exc.strerror}")
    if command:
        try:
            done = subprocess.run(  # noqa: S603  the operator's own command, from the settings
                shlex.split(command),
                input=content,
                timeout=_COMMAND_LIMIT_S,
                check=False,
                capture_output=True,
            )
            if done.returncode:
                failed.append(f"the alarm command ended with {done.returncode}")
        except (OSError, ValueError, subprocess.TimeoutExpired) as exc:
            failed.append(f"the alarm command did not run: {type(exc).__name__}")
    return failed
