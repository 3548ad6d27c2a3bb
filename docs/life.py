# ruff: noqa: INP001 - a script beside the page that it writes, not a package
"""Write `docs/life-of-an-issue.md` from the one table of transitions: `python docs/life.py`. A test tells when to."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from api.accounts.roles import PERMISSIONS, Permission
from api.issues.transitions import ENDED, TRANSITIONS, State, Transition
from detector.texts import say

PAGE = Path(__file__).with_name("life-of-an-issue.md")
MANY = 4  # an action that starts from more states than this would only be a knot of arrows

INTRODUCTION = """# The life of an issue

This page is written by `python docs/life.py` from `api/issues/transitions.py`, the one table that the service, the API
(`GET /api/v1/issues/{number}/actions`) and the console's buttons go by; a test fails when it is stale.

What opens an issue is no action: a sighting that is sure opens it (已立案), a doubtful one asks for review (待审核), a
report by hand does either, by what the reporter may decide, and a report from outside is a lead (线索). One that was
closed and is seen or reported again within the repeat window is opened again. Every step, and every one of these, is an
event in the [log](decisions/009-one-log.md).
"""


def page() -> str:
    """Give the whole page."""
    return f"{INTRODUCTION}\n{_diagram()}\n{_everywhere()}\n{_table()}\n{_flags()}"


def _both(key: str) -> str:
    return f"{say(key, 'zh')} {say(key, 'en')}"


def _diagram() -> str:
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f"    {state}: {_both(f'state.{state}')}" for state in State]
    lines += [f"    [*] --> {state}" for state in (State.lead, State.in_review, State.open)]
    for row in TRANSITIONS.values():
        if row.to is not None and len(row.since) <= MANY:
            lines += [f"    {since} --> {row.to}: {say(f'action.{row.action}', 'en')}" for since in sorted(row.since)]
    lines += [f"    {state} --> [*]" for state in State if state in ENDED]
    return "\n".join([*lines, "```", ""])


def _everywhere() -> str:
    left_out = [row for row in TRANSITIONS.values() if row.to is not None and len(row.since) > MANY]
    words = "; ".join(f"{_both(f'action.{row.action}')} leads to {_both(f'state.{row.to}')}" for row in left_out)
    return f"Not drawn, since they start from nearly everywhere: {words}.\n"


def _table() -> str:
    lines = ["## Who may do what, and what it takes", "", "| action | from | to | permission | needs | takes too |"]
    lines.append("|---|---|---|---|---|---|")
    return "\n".join([*lines, *map(_line, TRANSITIONS.values()), ""])


def _line(row: Transition) -> str:
    condition = f" (only if {row.only_if.replace('_', ' ')})" if row.only_if else ""
    cells = (
        f"`{row.action}` {_both(f'action.{row.action}')}",
        ", ".join(state for state in State if state in row.since) + condition,
        row.to or "as it was",
        f"`{row.permission}`",
        ", ".join(f"`{one}`" for one in row.needs) or "–",
        ", ".join(f"`{one}`" for one in row.takes) or "–",
    )
    return f"| {' | '.join(cells)} |"


def _flags() -> str:
    asked = dict.fromkeys([*(row.permission for row in TRANSITIONS.values()), Permission.waive_after_photo])
    roles = "\n".join(
        f"- `{permission}`: {', '.join(role for role, held in PERMISSIONS.items() if permission in held)}"
        for permission in asked
    )
    return f"""Two things are asked for beyond the table. To close an issue that was not signed off takes an after-photo
or the permission `{Permission.waive_after_photo}`. To sign off what the model still sees there takes a note.

Roles that hold these permissions, each within the scope of its grant:

{roles}
"""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
