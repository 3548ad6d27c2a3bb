"""Issues and posts in words, for the pages. Knows no widgets."""

import uuid

from api.clocks.standing import Pace
from api.console.visit import Visit
from api.issues.schemas import IssueView
from api.issues.transitions import State
from api.posts.schemas import PostBrief
from detector.card import Standing
from detector.texts import catalogue

ByPoint = dict[uuid.UUID, dict[State, int]]


def dues_in_words(visit: Visit, issue: IssueView) -> list[tuple[str, str, str]]:
    """Say of each running clock until when what must be done, its pace, and a word where it is late or nearly so."""
    return [
        (
            visit.say("console.due", step=step_name(visit, one.step), at=visit.moment(one.due_at)),
            one.pace,
            visit.say(f"pace.{one.pace}") if one.pace is not Pace.running else "",
        )
        for one in issue.deadlines
    ]


def post_in_words(visit: Visit, post: PostBrief | None) -> str:
    """Name a post and who holds it; says so where none is named."""
    if post is None:
        return visit.say("routing.nobody")
    title = post.en if visit.language == "en" and post.en else post.zh
    return f"{title} · {post.holder}" if post.holder else title


def step_name(visit: Visit, step: str) -> str:
    """Give the name of a step with a limit; a catalogue may bring steps that have no translation."""
    key = f"limit.step.{step}"
    return visit.say(key) if key in catalogue() else step


def mark_of(visit: Visit, class_code: str) -> str:
    """Give the word that warns where the model has not proved itself on a class; nothing where it has."""
    if class_code not in visit.service.taxonomy.classes:
        return ""
    standing = visit.service.taxonomy.standing(class_code, visit.service.card)
    return visit.say(f"standing.{standing}") if standing in (Standing.experimental, Standing.unverified) else ""
