"""Every screen of the field page, and how one comes to it."""

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.journeys.pages import FieldPage


def screens(phone: FieldPage, cases: dict[str, str], photo: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """Every screen by name, and how one comes to it."""

    def at(fragment: str, seen: str) -> Callable[[], None]:
        def show() -> None:
            phone.page.evaluate("hash => { location.hash = hash }", fragment)
            phone.page.locator(f"[data-screen='{fragment.split('/', maxsplit=1)[0] or 'home'}']").wait_for()
            phone.by(seen).first.wait_for()

        return show

    def then(first: Callable[[], None], *taps: str) -> Callable[[], None]:
        def show() -> None:
            first()
            for tap in taps:
                phone.by(tap).first.dispatch_event("click")

        return show

    def reporting() -> None:
        at("report", "photo-input")()
        phone.by("photo-input").set_input_files(photo)
        phone.by("photo-preview").first.wait_for()

    yield "home", at("", "report")
    yield "tasks", then(at("tasks", "group-verify"), "filter-all")
    yield "route", then(at("tasks", "tasks"), "order-route")
    yield "to sign", at(f"case/{cases['sign']}", "action-sign_for")
    yield "handling", then(at(f"case/{cases['handle']}", "action-submit_result"), "action-submit_result")
    yield "extending", then(at(f"case/{cases['handle']}", "action-extend"), "action-extend")
    yield (
        "verifying",
        then(at(f"case/{cases['verify']}", "action-pass_verification"), "action-pass_verification"),
    )
    yield "confirming", then(at(f"case/{cases['confirm']}", "action-confirm"), "action-confirm")
    yield "inbox", at("inbox", "inbox")
    yield "report", reporting
    yield "outbox", at("outbox", "outbox-chip")
    yield "patrol", at("patrol", "outbox-chip")
    yield "me", at("me", "person-menu")
