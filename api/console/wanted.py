"""Which issues a visitor asked to see: read from the address, written back to it, so that links and reloads keep it."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from api.issues.service import Filter
from api.issues.transitions import ENDED, State
from detector.taxonomy import Taxonomy

UNFINISHED = "unfinished"
ALL = "all"
STATES: dict[str, list[State] | None] = {
    UNFINISHED: [state for state in State if state not in ENDED],
    **{state.value: [state] for state in State},
    ALL: None,
}


@dataclass(slots=True, kw_only=True)
class Wanted:
    """A visitor's choice; what is empty does not narrow."""

    state: str = UNFINISHED
    kind: str = ""
    community: str = ""
    point: str = ""  #: code of a point

    @classmethod
    def read(cls, query: Mapping[str, str], taxonomy: Taxonomy) -> "Wanted":
        """Read an address; what it names and nobody knows is left out, since old links must still open."""
        state, kind = query.get("state", UNFINISHED), query.get("kind", "")
        return cls(
            state=state if state in STATES else UNFINISHED,
            kind=kind if kind in {one.code for one in taxonomy.kinds} else "",
            community=query.get("community", "")[:80],
            point=query.get("point", "")[:32],
        )

    def address(self) -> str:
        """Give the address of the page with this choice."""
        chosen = {
            "state": "" if self.state == UNFINISHED else self.state,
            "kind": self.kind,
            "community": self.community,
            "point": self.point,
        }
        query = urlencode({name: value for name, value in chosen.items() if value})
        return f"/?{query}" if query else "/"

    def narrows(self) -> bool:
        """Say whether anything but the usual is chosen."""
        return self != Wanted()

    def filter(self, taxonomy: Taxonomy) -> Filter:
        """Give what the issues' service understands."""
        classes = [entry.code for kind in taxonomy.kinds if kind.code == self.kind for entry in kind.classes]
        return Filter(
            states=STATES[self.state],
            classes=classes if self.kind else None,
            point=self.point or None,
            community=self.community or None,
        )
