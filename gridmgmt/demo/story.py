"""The main job as one told case: from a worker's report to a closed case, refusals included."""

import random
from collections.abc import Callable
from datetime import datetime
from typing import Any

from gridmgmt.demo.client import DemoClient
from gridmgmt.demo.play import Cast, Day
from gridmgmt.domain.org import Role

Say = Callable[[str], None]


def tell_main_job(client: DemoClient, now: datetime, say: Say) -> dict[str, Any]:
    """Take one report through the loop, saying what happens; the closed case."""
    seed = random.Random(now.timestamp()).getrandbits(32)  # noqa: S311  another case each time
    day, cast = Day(client, seed, now), Cast(client)
    case = day.report()
    while case["source"] != "patrol" or case["state"] == "self_handled" or not case["routing"]["unit_code"]:
        case = day.report()
    say(f"上报 report {case['number']} · {case['category']['name']} · {case['community_name']}")
    say(f"  cell {case['cell_code']} · duty list: {case['duty']['reason']}")
    say(
        f"  routed to {case['routing']['unit_name']} by rule {case['routing']['rule_id']}: "
        f"{case['routing']['reason']} (rules tried: {len(case['routing']['trace'])})"
    )
    case = _through_the_desks(client, cast, case, say)
    problem = client.refused(
        cast.desk(Role.SHIFT_LEADER),
        f"/cases/{case['id']}/actions",
        {"command_id": case["id"], "action": "close", "version": case["version"], "facts": {}},
    )
    say(f"  refused: close → {problem['status']} {problem['code']}, legal now: {problem['facts']['legal']}")
    handler = cast.handler_of(case)
    case = client.act(handler, case, "sign_for")
    say(f"签收 signed by {handler.name}, due {case['due_at']} on the working calendar")
    case = client.act(
        handler, case, "submit_result", result="已处置完毕", photos=[day.photo(handler, "after")]
    )
    say(f"处置反馈 result by {handler.name}")
    verifier = cast.leader_of(case["cell_code"])
    case = client.act(verifier, case, "pass_verification", opinion="现场已恢复")
    say(f"核查通过 verified by {verifier.name}, another person")
    case = client.act(cast.desk(Role.SHIFT_LEADER), case, "close")
    say(f"结案 closed after {len(case['history'])} recorded steps")
    return case


def _through_the_desks(client: DemoClient, cast: Cast, case: dict[str, Any], say: Say) -> dict[str, Any]:
    """Whatever the class's automatic policy left to the desks."""
    if case["state"] == "reported":
        case = client.act(cast.desk(Role.ACCEPTOR), case, "accept")
        say("批转立案 accepted at the desk")
    if case["state"] == "accepted":
        case = client.act(cast.desk(Role.SHIFT_LEADER), case, "file")
        say("立案 filed by the shift leader")
    if case["state"] == "filed":
        unit = case["routing"]["unit_code"]
        case = client.act(cast.desk(Role.DISPATCHER), case, "dispatch", unit_code=unit)
        say(f"派遣 dispatched to {case['unit_name']}")
    return case
