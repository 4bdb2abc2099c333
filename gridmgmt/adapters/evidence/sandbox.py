"""The walls around the process that decodes strangers' bytes: limits, no network, no files, no children.

Everything is built from what Linux gives without a package: resource limits, a network namespace of its
own where that may be made, and a seccomp filter that answers EPERM to opening files, sockets, executing
and forking. Each wall is best effort and says whether it stands; the limits always do.
"""

import ctypes
import os
import platform
import resource
import struct
from pathlib import Path

MEMORY_BYTES = 2**30
CPU_S = 10

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_PR_SET_DUMPABLE = 4
_CLONE_NEWNET, _CLONE_NEWUSER = 0x40000000, 0x10000000

# By architecture: the audit number of the ABI, and the calls a decoder has no use for: open, openat,
# openat2, creat, socket, connect, bind, execve, execveat, clone, fork, vfork, clone3, ptrace, kill,
# tkill, tgkill, unlink, unlinkat, rename, renameat, renameat2, mkdir, mkdirat, link, linkat, symlink,
# symlinkat, chmod, fchmodat, mount, process_vm_readv, process_vm_writev, pidfd_open, io_uring_setup,
# bpf, userfaultfd.
_X86_64 = (
    0xC000003E,
    (2, 257, 437, 85, 41, 42, 49, 59, 322, 56, 57, 58, 435, 101, 62, 200, 234, 87, 263, 82, 264, 316, 83, 258,
     86, 265, 88, 266, 90, 268, 165, 310, 311, 434, 425, 321, 323),
)  # fmt: skip
_AARCH64 = (
    0xC00000B7,
    (56, 437, 198, 203, 200, 220, 221, 281, 435, 117, 129, 130, 131, 35, 38, 276, 34, 37, 36, 53, 40, 270,
     271, 434, 425, 280, 282),
)  # fmt: skip
_FILTERS = {"x86_64": _X86_64, "aarch64": _AARCH64}

# Classic BPF: load a word, jump if equal, jump if greater or equal, return.
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _EPERM, _KILL = 0x7FFF0000, 0x00050001, 0x80000000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def limit_process() -> None:
    """No more than a gigabyte of memory, no core dump, no file, hardly any descriptor."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def allow_cpu(seconds: int = CPU_S) -> None:
    """Let the process use so many more seconds of CPU; the kernel ends it when they are spent."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + seconds, hard))


def leave_network() -> bool:
    """Move into an empty network namespace; whether that was possible."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) == 0:
        return True
    return bool(libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0)


def close_doors() -> bool:
    """From here on no file, socket, program or child can be opened; whether the filter stands.

    To be called when everything is imported. It cannot be undone.
    """
    known = _FILTERS.get(platform.machine())
    if known is None:
        return False
    audit, refused = known
    steps = [
        (_LOAD, 0, 0, 4),
        (_JUMP_EQUAL, 1, 0, audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
        # The x32 calls of x86-64 have the same numbers with this bit set.
        (_JUMP_AT_LEAST, len(refused) + 1, 0, 0x40000000),
        *((_JUMP_EQUAL, len(refused) - n, 0, number) for n, number in enumerate(refused)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _EPERM),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = _Program(len(steps), ctypes.cast(code, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        return False
    return not _can_open()


def _can_open() -> bool:
    try:
        os.close(os.open(Path(__file__), os.O_RDONLY))
    except PermissionError:
        return False
    return True
