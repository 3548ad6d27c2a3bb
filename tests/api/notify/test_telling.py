"""Who is told what and when: the log followed, clocks that speak once, storms and absences that become one digest."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from api.accounts import service as accounts
from api.accounts.roles import Role
from api.accounts.schemas import Granted, ScopeKind, UserKind
from api.audit.tables import AuditEvent
from api.database import now
from api.issues import clock
from api.issues.tables import Issue, WhistleCall
from api.notify import alarms
from api.notify.clerk import Clerk, recompute_all, recompute_if_changed
from api.notify.tables import Alarm, Held
from api.posts import service as posts
from api.posts.schemas import PostFields
from tests.api.client import Client, expect, refusal
from tests.api.ledger import Ledger, doubtful, violation
from tests.api.notify.places import Place

ALWAYS = """
time_zone: Asia/Shanghai
country: CN
default: {days: [mon, tue, wed, thu, fri, sat, sun], spans: ["00:00-24:00"], holidays: false}
"""


class Street:
    """An office that never closes, with people, and a clock that can be turned."""

    def __init__(self, post, monkeypatch: pytest.MonkeyPatch) -> None:
        self.post, self.office = post, post.office
        self.ledger = Ledger(post.office)
        self.clerk = Clerk(post.office.context)
        self.ahead = timedelta()
        for module in ("alarms", "telling"):
            monkeypatch.setattr(f"api.notify.{module}.now", self.now)
        self.work()

    def now(self) -> datetime:
        return now() + self.ahead

    def later(self, **amount: float) -> None:
        self.ahead += timedelta(**amount)
        self.work()

    def work(self) -> None:
        while self.clerk.work_once():
            pass

    def person(self, role: Role, kind: ScopeKind = ScopeKind.everywhere, value: str = "") -> tuple[str, Client]:
        """Add a person with a grant and give the name and a client of theirs."""
        name = f"{role} {uuid.uuid4().hex[:8]}"
        granted = [Granted(role=role, scope_kind=kind, scope_value=value)]
        with self.office.context.database.write() as session:
            user = accounts.add_user(session, login=name, name=name, kind=UserKind.person, grants=granted)
            _, key = accounts.make_key(session, user.id, name=name)
        return name, Client(self.office.http(Authorization=f"Bearer {key}"))

    def holder(self, role: Role = Role.viewer, **more: str) -> tuple[str, Client]:
        """Add a post with its holder and give the post's code and the holder's client."""
        name, client = self.person(role)
        code = f"P{uuid.uuid4().hex[:8].upper()}"
        with self.office.context.database.write() as session:
            fields = PostFields(code=code, zh="岗位", login=name, **more)
            posts.create_post(session, fields, self.office.context.taxonomy, by=None)
        return code, client

    def raise_above(self, code: str, superior: str) -> None:
        """Let a post be above another one."""
        where = f"/api/v1/posts/{code}"
        shown = expect(self.post.client.http.get(where))
        fields = {name: value for name, value in shown.items() if name in PostFields.model_fields}
        expect(self.post.client.http.put(where, json={**fields, "superior": superior}))

    def said(self, issue: Issue) -> list[dict]:
        """Give what the clocks of an issue have said, oldest first."""
        events = self.post.client.events(issue.number)[::-1]
        return [one["data"] for one in events if one["action"] in list(alarms.AlarmKind)]

    def step(self, issue: Issue, action: str, **given: str) -> None:
        where = f"/api/v1/issues/{issue.number}/steps"
        expect(self.post.client.http.post(where, json={"action": action, **given}))


def inbox(client: Client) -> list[str]:
    return [one["kind"] for one in reversed(client.all("/api/v1/inbox"))]


@pytest.fixture(scope="module")
def street_post(make_post, tmp_path_factory):
    hours = tmp_path_factory.mktemp("hours") / "hours.yaml"
    hours.write_text(ALWAYS, encoding="utf-8")
    return make_post(office_hours=hours)


@pytest.fixture
def street(street_post, monkeypatch) -> Iterator[Street]:
    return Street(street_post, monkeypatch)


def test_the_responsible_the_department_and_who_must_look_are_told_and_nobody_of_their_own_deed(street):
    code, holder = street.holder()
    _, handler = street.person(Role.handler, ScopeKind.department, "sanitation_service")
    _, other = street.person(Role.handler, ScopeKind.department, "publicity")
    _, reviewer = street.person(Role.reviewer)
    (issue,) = street.ledger.record(street.ledger.point(specific_post=code), doubtful())
    street.work()
    assert ["issue.opened"] == inbox(reviewer)
    expect(reviewer.http.post(f"/api/v1/issues/{issue.number}/steps", json={"action": "confirm"}))
    street.step(issue, "dispatch")
    street.work()

    assert ["issue.opened"] == inbox(reviewer)
    assert ["issue.confirm", "issue.dispatch"] == inbox(holder)
    assert ["issue.dispatch"] == inbox(handler)
    assert [] == inbox(other)
    told = handler.all("/api/v1/inbox", lang="zh")[0]
    assert told["title"].startswith("派遣：暴露垃圾（")
    assert issue.number in told["text"]
    assert f"/issues/{issue.number}" == told["path"]


def test_an_inbox_counts_what_is_unread_and_belongs_to_one(street):
    code, holder = street.holder()
    _, other = street.holder()
    street.ledger.record(street.ledger.point(specific_post=code), violation())
    street.work()
    (told,) = holder.all("/api/v1/inbox", unread=True)

    assert {"count": 1} == expect(holder.http.get("/api/v1/inbox/unread"))
    refusal(other.http.post(f"/api/v1/inbox/{told['id']}/read"), 404)
    assert expect(holder.http.post(f"/api/v1/inbox/{told['id']}/read"))["read_at"]
    assert {"count": 0} == expect(holder.http.get("/api/v1/inbox/unread"))
    assert {"count": 0} == expect(holder.http.post("/api/v1/inbox/read"))
    assert [] == holder.all("/api/v1/inbox", unread=True)


def test_what_somebody_muted_is_not_told(street):
    code, holder = street.holder()
    expect(holder.http.put("/api/v1/inbox/preferences", json={"muted": ["issue.opened"]}))
    assert ["issue.opened"] == expect(holder.http.get("/api/v1/inbox/preferences"))["muted"]
    street.ledger.record(street.ledger.point(specific_post=code), violation())
    street.work()

    assert [] == inbox(holder)
    refusal(holder.http.put("/api/v1/inbox/preferences", json={"muted": ["everything"]}), 422)


def test_a_clock_warns_then_is_overdue_then_climbs_each_once_also_for_another_process(street):
    specific, deputy = street.holder()
    first, leader = street.holder()
    _, supervisor = street.person(Role.supervisor)
    point = street.ledger.point(specific_post=specific, first_post=first)
    street.ledger.record(point, violation())
    street.work()
    street.later(minutes=23)
    assert ["issue.opened"] == inbox(deputy)
    street.later(minutes=2)  # four fifths of thirty minutes
    assert ["issue.opened", "issue.due_soon"] == inbox(deputy)
    street.later(minutes=6)
    street.clerk = Clerk(street.office.context)
    street.work()
    assert ["issue.opened", "issue.due_soon", "issue.overdue", "issue.escalated"] == inbox(deputy)
    assert [] == inbox(leader)
    street.later(hours=2)
    assert 2 == inbox(deputy).count("issue.escalated")  # now as the point's specific responsible
    street.later(hours=2)
    assert ["issue.escalated"] == [one for one in inbox(leader) if one == "issue.escalated"]
    assert "issue.escalated" not in inbox(supervisor)
    street.later(hours=20)
    assert "issue.escalated" in inbox(supervisor)

    street.later(seconds=10)
    before = [inbox(one) for one in (deputy, leader, supervisor)]
    street.ahead -= timedelta(days=3)  # somebody turned the machine's clock back, and forth
    street.work()
    street.later(days=3)
    assert before == [inbox(one) for one in (deputy, leader, supervisor)]


def test_a_clock_that_was_stopped_says_nothing(street):
    code, holder = street.holder()
    (issue,) = street.ledger.record(street.ledger.point(specific_post=code), violation())
    street.work()
    street.step(issue, "close", note="gone")
    street.work()
    street.later(days=2)

    assert ["issue.opened", "issue.close"] == inbox(holder)


def test_after_a_long_absence_there_is_one_digest(street):
    code, holder = street.holder()
    for _ in range(3):
        street.ledger.record(street.ledger.point(specific_post=code), violation())
    street.work()
    street.ahead += timedelta(days=4)  # nobody was at it
    street.work()
    street.later(seconds=5)

    kinds = inbox(holder)
    assert ["issue.opened"] * 3 == kinds[:3]
    assert ["notice.digest"] == kinds[3:]
    (told,) = [one for one in holder.all("/api/v1/inbox") if one["kind"] == "notice.digest"]
    assert "While the service was away" in told["title"]


def test_a_storm_at_one_point_is_one_digest_and_another_point_is_not_in_it(street):
    code, holder = street.holder()
    point = street.ledger.point(specific_post=code)
    codes = list(street.office.context.taxonomy.classes)[:9]
    for one in codes:
        street.ledger.record(point, violation(one))
    street.work()
    assert ["issue.opened"] * 5 == inbox(holder)
    street.ledger.record(street.ledger.point(specific_post=code), violation())
    street.work()
    assert ["issue.opened"] * 6 == inbox(holder)
    street.later(minutes=10, seconds=1)

    told = [one for one in holder.all("/api/v1/inbox") if one["kind"] == "notice.digest"]
    assert 1 == len(told)
    assert told[0]["title"].startswith("4 events")
    assert 4 == told[0]["text"].count("\n") + 1
    with street.office.context.database.read() as session:
        assert 0 == session.scalar(sa.select(sa.func.count()).select_from(Held).where(Held.topic == point.code))


def test_a_webhook_is_told_of_what_it_named_and_of_nothing_else(street):
    point = street.ledger.point()
    with Place() as place:
        wanted = street.post.webhook(place.url, kinds=["issue.opened"], filters={"points": [point.code]})
        street.ledger.record(street.ledger.point(), violation())
        (issue,) = street.ledger.record(point, violation())
        street.step(issue, "dispatch")
        street.work()
        street.post.carry()
        street.post.client.http.delete(f"/api/v1/webhooks/{wanted['id']}")

    (call,) = place.calls
    assert "issue.opened" == call.json["type"]
    assert issue.number == call.json["data"]["issue"]["number"]
    assert point.code == call.json["data"]["point"]["code"]
    assert f"https://dianxun.example/issues/{issue.number}" == call.json["url"]


def test_an_event_is_told_once_however_often_the_follower_dies(street, monkeypatch):
    code, holder = street.holder()
    street.ledger.record(street.ledger.point(specific_post=code), violation())
    with monkeypatch.context() as patch:
        patch.setattr("api.notify.inbox.now", fail)
        with pytest.raises(RuntimeError, match="power"):
            street.work()
    assert [] == inbox(holder)
    street.work()
    street.clerk = Clerk(street.office.context)
    street.work()

    assert ["issue.opened"] == inbox(holder)


def fail() -> datetime:
    raise RuntimeError("the power fails")


def test_due_dates_are_kept_and_follow_the_limits(street):
    (issue,) = street.ledger.record(street.ledger.point(), violation())
    street.work()
    where = f"/api/v1/issues/{issue.number}"
    shown = expect(street.post.client.http.get(where))
    opened = datetime.fromisoformat(shown["clock_started_at"])
    assert opened + timedelta(hours=4) == datetime.fromisoformat(shown["due_at"])
    assert opened + timedelta(minutes=30) == datetime.fromisoformat(shown["step_due_at"])
    assert ["dispatch", "fix"] == [one["step"] for one in shown["deadlines"]]

    with street.office.context.database.write() as session:
        session.execute(sa.update(Issue).values(due_at=None, step_due_at=None))
        session.execute(sa.update(Alarm).where(Alarm.fired_at.is_(None)).values(at=opened))
    assert 0 < sum(recompute_all(street.office.context))
    assert 0 == recompute_if_changed(street.office.context)
    again = expect(street.post.client.http.get(where))
    assert (shown["due_at"], shown["revision"]) == (again["due_at"], again["revision"])
    with street.office.context.database.read() as session:
        kept = session.scalars(sa.select(Alarm).where(Alarm.issue_id == issue.id, Alarm.what == "due_soon")).all()
        assert {opened + timedelta(minutes=24), opened + timedelta(minutes=192)} == {one.at for one in kept}


def test_two_processes_at_once_say_it_once(street):
    (issue,) = street.ledger.record(street.ledger.point(), violation())
    street.work()
    street.ahead += timedelta(minutes=25)
    with street.office.context.database.write() as session:
        assert 1 <= alarms.go_off(session, street.office.context.clocks)
        assert 0 == alarms.go_off(session, street.office.context.clocks)
    street.work()
    with street.office.context.database.read() as session:
        said = session.scalars(
            sa.select(AuditEvent.action).where(AuditEvent.subject_id == issue.id, AuditEvent.action == "due_soon")
        ).all()

    assert ["due_soon"] == list(said)


def test_a_whistle_is_heard_by_those_called_and_their_delay_climbs(street):
    code, _ = street.holder()
    _, police = street.person(Role.handler, ScopeKind.department, "traffic_police")
    _, handler = street.person(Role.handler, ScopeKind.department, "sanitation_service")
    (issue,) = street.ledger.record(street.ledger.point(specific_post=code), violation())
    street.step(issue, "dispatch")
    whistles = f"/api/v1/issues/{issue.number}/whistles"
    called = {"departments": ["traffic_police"], "note": "请到场"}
    expect(street.post.client.http.post(whistles, json=called))
    street.work()
    assert ["issue.whistle"] == inbox(police)
    street.later(hours=1, minutes=37)  # four fifths of two hours
    assert ["issue.whistle", "issue.due_soon"] == inbox(police)
    street.later(minutes=24)
    assert ["issue.whistle", "issue.due_soon", "issue.overdue"] == inbox(police)
    arrivals = [one for one in street.said(issue) if one["step"] == "arrive"]
    assert [("traffic_police", 0), ("traffic_police", 0), ("traffic_police", 1)] == [
        (one["department"], one["level"]) for one in arrivals
    ]
    assert [code] == arrivals[-1]["posts"]
    (shown,) = street.post.client.http.get(whistles).json()
    with street.office.context.database.read() as session:
        kept = session.scalars(sa.select(WhistleCall).where(WhistleCall.issue_id == issue.id)).one()
    assert kept.due_at.isoformat() == datetime.fromisoformat(shown["calls"][0]["due_at"]).isoformat()

    expect(police.http.post(f"{whistles}/traffic_police/arrive"))
    street.work()
    told = inbox(police)
    street.later(days=3)
    assert told == [one for one in inbox(police) if one != "notice.digest"][: len(told)]
    assert 3 == len([one for one in street.said(issue) if one["step"] == "arrive"])  # who has come is not waited for
    assert "issue.overdue" in inbox(handler)


def test_a_changed_limit_changes_by_when_a_department_must_have_come(street):
    (issue,) = street.ledger.record(street.ledger.point(), violation())
    called = {"departments": ["traffic_police"], "note": "请到场"}
    made = expect(street.post.client.http.post(f"/api/v1/issues/{issue.number}/whistles", json=called))
    rules = street.office.context.clocks
    arrive = rules.limits.steps.arrive.model_copy(update={"hours": 5})
    changed = replace(rules, limits=rules.limits.model_copy(update={
        "steps": rules.limits.steps.model_copy(update={"arrive": arrive}),
    }))  # fmt: skip
    with street.office.context.database.write() as session:
        clock.set_due(session, [session.get_one(Issue, issue.id)], changed)
        kept = session.scalars(sa.select(WhistleCall).where(WhistleCall.issue_id == issue.id)).one()

    assert timedelta(hours=3) == kept.due_at - datetime.fromisoformat(made["calls"][0]["due_at"])


def test_a_delay_climbs_from_post_to_post_and_a_circle_ends_it(street):
    top, leader = street.holder()
    middle, deputy = street.holder(superior=top)
    own, holder = street.holder(superior=middle)
    street.raise_above(top, own)  # a circle: nobody is above all
    (issue,) = street.ledger.record(street.ledger.point(specific_post=own), violation())
    street.work()
    street.later(minutes=31)
    assert "issue.escalated" in inbox(holder)
    assert [] == inbox(deputy) == inbox(leader)
    street.later(hours=2)
    assert ["issue.escalated"] == inbox(deputy)
    assert [] == inbox(leader)
    street.later(hours=2)
    assert ["issue.escalated"] == inbox(leader)
    assert ["issue.escalated"] == inbox(deputy)

    climbed = [one["posts"] for one in street.said(issue) if one["level"] and one["step"] == "dispatch"]
    assert [[own], [middle, own], [top]] == climbed
