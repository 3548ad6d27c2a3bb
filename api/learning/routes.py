"""What was learned, over HTTP: trainings, and thresholds chosen from verdicts."""

import uuid
from typing import Annotated

from fastapi import Body, Depends, Query

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.context import Context
from api.fields import CatalogueCode
from api.learning import service, thresholds
from api.learning.schemas import Because, Change, Choice, Effects, InForce, Proposal, TrainingView
from api.paging import Paged, PageOf

router = Router(prefix="/learning", tags=["learning"])

Reader = Annotated[Caller, Depends(allow(Permission.view_catalogue))]
Keeper = Annotated[Caller, Depends(allow(Permission.manage_models))]
Days = Annotated[int, Query(ge=1, le=3660, description="how far back captures and verdicts are counted")]


# --- thresholds ---------------------------------------------------------------------------------------------------
@router.get("/thresholds", summary="The thresholds of each class in force, and where they come from")
def list_thresholds(context: Context, _: Reader) -> list[InForce]:
    with context.database.read() as session:
        return thresholds.in_force(session, context.taxonomy, context.card)


@router.get("/thresholds/proposal", summary="Thresholds that verdicts speak for, and what they would change")
def propose(
    context: Context,
    _: Reader,
    days: Days = 30,
    precision: Annotated[float, Query(ge=0.5, le=0.999)] = thresholds.TARGET_PRECISION,
) -> Proposal:
    with context.database.read() as session:
        return thresholds.propose(
            session,
            context.taxonomy,
            context.card,
            days=days,
            near_m=context.settings.nearest_point_m,
            precision=precision,
        )


@router.post("/thresholds/effect", summary="What thresholds of your own would have changed; changes nothing")
def try_thresholds(
    context: Context, _: Reader, changes: Annotated[list[Change], Body(min_length=1, max_length=100)], days: Days = 30
) -> Effects:
    with context.database.read() as session:
        return thresholds.effect(
            session,
            context.taxonomy,
            context.card,
            thresholds.wanted_of(changes),
            days=days,
            near_m=context.settings.nearest_point_m,
        )


@router.put("/thresholds", summary="Put thresholds in force for the model in force; the log says who and why")
def choose(context: Context, caller: Keeper, choice: Choice) -> list[InForce]:
    with context.database.write() as session:
        return thresholds.choose(session, choice, context.taxonomy, context.card, by=caller.user_id)


@router.delete("/thresholds/{class_code}", summary="Go back to the thresholds of the catalogue or the card")
def let_go(context: Context, caller: Keeper, class_code: CatalogueCode) -> list[InForce]:
    with context.database.write() as session:
        return thresholds.let_go(session, class_code, context.taxonomy, context.card, by=caller.user_id)


# --- trainings ----------------------------------------------------------------------------------------------------
@router.get("/trainings", summary="List trainings, newest first")
def list_trainings(context: Context, _: Reader, window: Paged) -> PageOf[TrainingView]:
    with context.database.read() as session:
        rows, following = service.list_trainings(session, window)
        return PageOf(items=[TrainingView.model_validate(row) for row in rows], next=following)


@router.post("/trainings", status_code=202, summary="Ask for a training on what people decided since the last one")
def ask(context: Context, caller: Keeper) -> TrainingView:
    with context.database.write() as session:
        row = service.ask(session, context.settings, Because.person, by=caller.user_id)
        return TrainingView.model_validate(row)


@router.get("/trainings/{training_id}", summary="How far a training is, and what came of it")
def show_training(context: Context, _: Reader, training_id: uuid.UUID) -> TrainingView:
    with context.database.read() as session:
        return TrainingView.model_validate(service.training_of(session, training_id))
