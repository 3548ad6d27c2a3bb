"""Thresholds chosen anew from what people said, by proposal. Takes a session, never commits.

The model's card brings thresholds that were chosen on photographs from elsewhere; verdicts show how sure the model has
to be here. Nothing changes by itself: what a change would have done is counted on past captures and verdicts, shown,
and put in force by somebody, who stands in the log. `serving` gives the catalogue that the rules judge by.

Verdicts are weighed: every doubtful capture is reviewed, but only a sample of the sure and of the empty ones, so each
of these speaks for as many as were not drawn. What somebody asked about or disputed is left out: it was chosen for
being odd.
"""

import math
import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np
import sqlalchemy as sa
import supervision as sv
from sqlalchemy.orm import Session

from api.audit import service as audit
from api.captures import service as captures
from api.captures.tables import Capture
from api.database import now
from api.errors import Conflict, NotFound, Unfit
from api.learning.schemas import Change, Choice, Effect, Effects, InForce, Load, Origin, Proposal, Unproposed
from api.learning.tables import ChosenThreshold
from api.points import service as points
from api.review.figures import Rate, Weighed, rate_of_weighed, weighed_boxes
from detector.card import Card
from detector.rules import Certainty, Scene, judge, thresholds_of
from detector.taxonomy import Judged, Taxonomy, Thresholds, ViolationClass

SUBJECT = "threshold"
COUNTED_ON = 2000  # captures on which the rules are tried again; more change no figure that is shown
TARGET_PRECISION = 0.9
LEAST = 30  # verdicts' worth above a threshold before it is proposed, and confirmed boxes before one is moved up
LOST = 0.02  # of what people confirmed may fall under a proposed review threshold
NOTICEABLE = 0.01  # a proposal that moves a threshold by less is none


def key_of(card: Card) -> str:
    """Give the name under which captures and verdicts know a model version."""
    return f"{card.name}/{card.version}"


# --- what is in force ---------------------------------------------------------------------------------------------
def serving(session: Session, taxonomy: Taxonomy, card: Card) -> Taxonomy:
    """Give the catalogue by which the rules must judge: with the thresholds that were chosen for this model version."""
    return taxonomy.with_thresholds(_chosen(session, card))


def _chosen(session: Session, card: Card) -> dict[str, Thresholds]:
    rows = session.scalars(sa.select(ChosenThreshold).filter_by(model=key_of(card)))
    return {row.class_code: Thresholds(automatic=row.automatic, review=row.review) for row in rows}


def in_force(session: Session, taxonomy: Taxonomy, card: Card) -> list[InForce]:
    """Give the thresholds of every class that the model sees by its looks, in the order of the catalogue."""
    rows = {row.class_code: row for row in session.scalars(sa.select(ChosenThreshold).filter_by(model=key_of(card)))}
    found = []
    for entry in _seen(taxonomy):
        chosen = rows.get(entry.code)
        limits = chosen or _limits(entry, card)
        found.append(
            InForce(
                class_code=entry.code,
                automatic=limits.automatic,
                review=limits.review,
                origin=Origin.chosen if chosen else Origin.catalogue if entry.thresholds else Origin.card,
                chosen_at=chosen.chosen_at if chosen else None,
                chosen_by=chosen.chosen_by if chosen else None,
                why=chosen.why if chosen else None,
            )
        )
    return found


def _seen(taxonomy: Taxonomy) -> list[ViolationClass]:
    """Give the classes whose thresholds mean something to people: an object that is itself the violation."""
    return [
        entry
        for entry in taxonomy.classes.values()
        if entry.enabled and entry.seen is not None and entry.seen.judged is Judged.appearance
    ]


def _limits(entry: ViolationClass, card: Card) -> Thresholds:
    """Give a class's thresholds before anybody chose any; of several model classes the most cautious ones."""
    assert entry.seen is not None
    every = [thresholds_of(entry, name, card) for name in entry.seen.model_classes]
    return Thresholds(automatic=max(one.automatic for one in every), review=min(one.review for one in every))


# --- what others would change -------------------------------------------------------------------------------------
def effect(
    session: Session,
    taxonomy: Taxonomy,
    card: Card,
    changes: Mapping[str, Thresholds],
    *,
    days: int,
    near_m: float,
) -> Effects:
    """Say what other thresholds would have changed in the last days; changes nothing.

    Args:
        session: to read.
        taxonomy: as the office wrote it, without chosen thresholds.
        card: of the model in force.
        changes: by class.
        days: how far back captures and verdicts are counted.
        near_m: how far from its point a photo may claim to be before it is doubted, metres.

    Raises:
        Unfit: a class is none that the model sees by its looks.
    """
    _check(changes, taxonomy)
    since = now() - timedelta(days=days)
    before = serving(session, taxonomy, card)
    after = before.with_thresholds(changes)
    shown, count = captures.looked_at_by(session, key_of(card), since, most=COUNTED_ON)
    evidence, verdicts = weighed_boxes(session, key_of(card), since)
    by_class = _by_class(evidence, taxonomy)
    scenes = _scenes(session, shown, near_m)
    loads = [_loads(shown, scenes, catalogue, card) for catalogue in (before, after)]
    a_day = (count / len(shown) if shown else 0.0) / days
    limits = {
        one.class_code: Thresholds(automatic=one.automatic, review=one.review)
        for one in in_force(session, taxonomy, card)
    }
    return Effects(
        model=key_of(card),
        days=days,
        captures=count,
        counted_on=len(shown),
        verdicts=verdicts,
        asked_before=round(loads[0][""][Certainty.review] * a_day, 3),
        asked_after=round(loads[1][""][Certainty.review] * a_day, 3),
        effects=[
            Effect(
                class_code=code,
                before=limits[code],
                after=wanted,
                load_before=_load(loads[0][code], a_day),
                load_after=_load(loads[1][code], a_day),
                precision_before=_precision(by_class[code], limits[code].automatic),
                precision_after=_precision(by_class[code], wanted.automatic),
                lost=_lost(by_class[code], limits[code].review, wanted.review),
            )
            for code, wanted in changes.items()
        ],
    )


def _check(changes: Mapping[str, Thresholds], taxonomy: Taxonomy) -> None:
    known = {entry.code for entry in _seen(taxonomy)}
    for code in changes:
        if code not in known:
            raise Unfit(f"{code!r} has no thresholds: the model does not see it by its looks.")


def _by_class(evidence: Sequence[Weighed], taxonomy: Taxonomy) -> dict[str, list[Weighed]]:
    found: dict[str, list[Weighed]] = defaultdict(list)
    for entry in _seen(taxonomy):
        assert entry.seen is not None
        found[entry.code] = [one for one in evidence if one.code in entry.seen.model_classes]
    return found


def _scenes(session: Session, shown: Sequence[Capture], near_m: float) -> dict[uuid.UUID, Scene]:
    places = points.points_by_id(session, {one.point_id for one in shown})
    return {
        one.id: Scene(
            no_parking=places[one.point_id].no_parking,
            elsewhere=one.distance_m is not None and one.distance_m > near_m,
        )
        for one in shown
    }


def _loads(
    shown: Sequence[Capture], scenes: Mapping[uuid.UUID, Scene], taxonomy: Taxonomy, card: Card
) -> dict[str, Counter[Certainty]]:
    """Count the captures on which each class is asked about or opens an issue; under "" those with anything at all."""
    counts: dict[str, Counter[Certainty]] = defaultdict(Counter)
    for capture in shown:
        named = judge(_detections(capture, card), scenes[capture.id], taxonomy, card)
        for code, certainty in {(one.code, one.certainty) for one in named} | {("", one.certainty) for one in named}:
            counts[code][certainty] += 1
    return counts


def _detections(capture: Capture, card: Card) -> sv.Detections:
    index = {entry.name: place for place, entry in enumerate(card.classes)}
    known = [one for one in capture.detections if one["model_class"] in index]
    return sv.Detections(
        xyxy=np.array([one["box"] for one in known], dtype=np.float32).reshape(-1, 4),
        confidence=np.array([one["confidence"] for one in known], dtype=np.float32),
        class_id=np.array([index[one["model_class"]] for one in known], dtype=np.int64),
    )


def _load(counts: Counter[Certainty], a_day: float) -> Load:
    return Load(
        asked=round(counts[Certainty.review] * a_day, 3), automatic=round(counts[Certainty.automatic] * a_day, 3)
    )


def _precision(evidence: Sequence[Weighed], automatic: float) -> Rate:
    return rate_of_weighed([(one.right, one.weight) for one in evidence if one.confidence >= automatic])


def _lost(evidence: Sequence[Weighed], before: float, after: float) -> Rate:
    return rate_of_weighed(
        [(one.confidence < after, one.weight) for one in evidence if one.right and one.confidence >= before]
    )


# --- what verdicts speak for --------------------------------------------------------------------------------------
def propose(
    session: Session,
    taxonomy: Taxonomy,
    card: Card,
    *,
    days: int,
    near_m: float,
    precision: float = TARGET_PRECISION,
) -> Proposal:
    """Propose thresholds: automatic where the wanted precision begins, review where next to nothing true is lost.

    A review threshold is never proposed lower than it is: of what lies under it nobody has said anything.
    """
    evidence, _ = weighed_boxes(session, key_of(card), now() - timedelta(days=days))
    by_class = _by_class(evidence, taxonomy)
    wanted: dict[str, Thresholds] = {}
    silent: dict[str, Unproposed] = {}
    for one in in_force(session, taxonomy, card):
        now_in_force = Thresholds(automatic=one.automatic, review=one.review)
        said = _best(by_class[one.class_code], now_in_force, precision)
        if isinstance(said, Thresholds):
            wanted[one.class_code] = said
        else:
            silent[one.class_code] = said
    return Proposal(
        target_precision=precision,
        effects=effect(session, taxonomy, card, wanted, days=days, near_m=near_m),
        not_proposed=silent,
    )


def _best(evidence: Sequence[Weighed], current: Thresholds, precision: float) -> Thresholds | Unproposed:
    review = _review(evidence, current)
    steps = [step / 100 for step in range(math.ceil(review * 100), 100)]
    enough = [(step, found) for step in steps if (found := _precision(evidence, step)).of >= LEAST]
    if not enough:
        return Unproposed.few
    reached = [step for step, found in enough if found.share is not None and found.share >= precision]
    if not reached:
        return Unproposed.out_of_reach
    # The lowest step from which on it holds: one lucky step below a stretch that fails is none.
    failing = [step for step, _ in enough if step not in set(reached)]
    automatic = min((step for step in reached if not failing or step > max(failing)), default=None)
    if automatic is None:
        return Unproposed.out_of_reach
    wanted = Thresholds(automatic=max(automatic, review), review=review)
    near = abs(wanted.automatic - current.automatic) <= NOTICEABLE and abs(review - current.review) <= NOTICEABLE
    return Unproposed.fits if near else wanted


def _review(evidence: Sequence[Weighed], current: Thresholds) -> float:
    """Give the highest review threshold under which at most `LOST` of what people confirmed lies."""
    right = sorted((one.confidence, one.weight) for one in evidence if one.right and one.confidence >= current.review)
    if len(right) < LEAST:
        return current.review
    most, below, best = LOST * sum(weight for _, weight in right), 0.0, current.review
    for confidence, weight in right:
        below += weight
        if below > most:
            best = max(best, math.floor(confidence * 100) / 100)
            break
    return best


# --- putting in force ---------------------------------------------------------------------------------------------
def choose(session: Session, choice: Choice, taxonomy: Taxonomy, card: Card, *, by: uuid.UUID) -> list[InForce]:
    """Put thresholds in force for the model in force; what they were before stands in the log.

    Raises:
        Conflict: another model is in force than the one that they were proposed for.
        Unfit: a class has no thresholds, or review lies above automatic.
    """
    if choice.model != key_of(card):
        raise Conflict(
            f"{key_of(card)} is in force now; these thresholds were proposed for {choice.model}. Look again."
        )
    wanted = wanted_of(choice.changes)
    _check(wanted, taxonomy)
    before = {one.class_code: one for one in in_force(session, taxonomy, card)}
    for code, limits in wanted.items():
        row = session.scalar(
            sa.select(ChosenThreshold).filter_by(model=choice.model, class_code=code).with_for_update()
        )
        if row is None:
            row = ChosenThreshold(model=choice.model, class_code=code)
            session.add(row)
        row.automatic, row.review = limits.automatic, limits.review
        row.chosen_at, row.chosen_by, row.why = now(), by, choice.why
        session.flush()
        _tell(session, row, "chosen", before[code], limits, by)
    return in_force(session, taxonomy, card)


def let_go(session: Session, code: str, taxonomy: Taxonomy, card: Card, *, by: uuid.UUID) -> list[InForce]:
    """Go back to the thresholds of the catalogue or the card.

    Raises:
        NotFound: nobody has chosen any for this class under the model in force.
    """
    row = session.scalar(sa.select(ChosenThreshold).filter_by(model=key_of(card), class_code=code).with_for_update())
    entry = taxonomy.classes.get(code)
    if row is None or entry is None:
        raise NotFound(f"Nobody has chosen thresholds for {code[:48]!r} under {key_of(card)}.")
    before = next(one for one in in_force(session, taxonomy, card) if one.class_code == code)
    session.delete(row)
    session.flush()
    _tell(session, row, "let_go", before, _limits(entry, card), by)
    return in_force(session, taxonomy, card)


def wanted_of(changes: Sequence[Change]) -> dict[str, Thresholds]:
    """Give changes by class.

    Raises:
        Unfit: a class stands twice, or review lies above automatic.
    """
    found: dict[str, Thresholds] = {}
    for one in changes:
        if one.class_code in found:
            raise Unfit(f"{one.class_code} stands twice.")
        if one.review > one.automatic:
            raise Unfit(f"{one.class_code}: review ({one.review}) lies above automatic ({one.automatic}).")
        found[one.class_code] = one.thresholds()
    return found


def _tell(
    session: Session, row: ChosenThreshold, action: str, before: InForce, after: Thresholds, by: uuid.UUID
) -> None:
    audit.append(
        session,
        audit.Entry(
            subject_kind=SUBJECT,
            subject_id=row.id,
            action=action,
            by_user_id=by,
            note=row.why,
            data={
                "model": row.model,
                "class_code": row.class_code,
                "before": {"automatic": before.automatic, "review": before.review},
                "after": {"automatic": after.automatic, "review": after.review},
            },
        ),
    )
