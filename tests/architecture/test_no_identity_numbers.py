"""No file of the repository holds what could be somebody's identity number."""

import re
import subprocess
from collections.abc import Iterator

from gridmgmt.domain.personal import identity_check, is_identity_number
from tests.architecture.sources import ROOT

NUMBER = re.compile(rb"(?<![0-9])[1-9][0-9]{16}[0-9Xx](?![0-9])")


def tracked_files() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        return [name for name in listed.stdout.decode().split("\0") if name]
    # Not a checkout (an unpacked archive): everything that is not installed or built here.
    skipped = {".venv", "node_modules", "dist", "__pycache__", ".git"}
    return [
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*")
        if path.is_file() and not skipped & set(path.relative_to(ROOT).parts)
    ]


def identity_numbers_in(content: bytes) -> Iterator[str]:
    return (found.decode() for found in NUMBER.findall(content) if is_identity_number(found.decode()))


def test_the_scan_finds_a_number_with_a_right_check_character() -> None:
    first = "330100" + "19000101" + "123"
    number = first + identity_check(first)
    assert [number] == list(
        identity_numbers_in(f"x {number}, {first}{'0' if number[-1] != '0' else '1'}".encode())
    )


def test_no_file_holds_an_identity_number_with_a_right_check_character() -> None:
    files = tracked_files()
    assert len(files) > 200
    found = {
        name: numbers
        for name in files
        if (ROOT / name).is_file()
        for numbers in [list(identity_numbers_in((ROOT / name).read_bytes()))]
        if numbers
    }
    assert {} == found
