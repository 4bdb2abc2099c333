"""Workers that die where a test wants them to: in a process of their own, the nth time they pass a point."""

import os
import signal
from collections.abc import Callable
from typing import Any


def start(work: Callable[[], None], mine: tuple[Any, str] | None = None, nth: int = 1) -> int:
    """Do work in a process of its own; with a mine it kills itself there. Its process id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        if mine is not None:
            lay_a_mine(*mine, nth)
        work()
        code = 0
    finally:
        os._exit(code)


def lay_a_mine(module: Any, name: str, nth: int) -> None:
    """Kill this process right after a function of a module has answered for the nth time."""
    real: Callable[..., Any] = getattr(module, name)
    passed = 0

    def mined(*arguments: Any, **named: Any) -> Any:
        nonlocal passed
        answer = real(*arguments, **named)
        passed += 1
        if passed == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(module, name, mined)


def ended(child: int) -> int:
    """How a process ended: 0 well, -9 killed, 1 by an error."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
