"""The versions of the model over HTTP: which there are, how good they are, putting one in force, going back.

The registry (`detector.registry`) decides; here it is asked on behalf of somebody, and what was done goes into the log.
"""

import uuid
from datetime import datetime
from typing import Annotated, Any

import structlog
from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.accounts.schemas import Caller
from api.audit import service as audit
from api.context import Context, Service
from api.errors import Conflict, NotFound
from api.fields import line
from detector.card import Card, Standing
from detector.curves import Curves
from detector.errors import DetectorError, ModelRefused
from detector.history import Step
from detector.registry import Entry, Registry
from detector.verdict import Decision, Verdict

log = structlog.get_logger()
router = Router(prefix="/models", tags=["models"])

ModelViewer = Annotated[Caller, Depends(allow(Permission.view_catalogue))]
ModelManager = Annotated[Caller, Depends(allow(Permission.manage_models))]

SUBJECT = "model"  # of the audit log
PROMOTED, ROLLED_BACK = "promoted", "rolled_back"


class VersionView(BaseModel):
    """A version as it is listed."""

    version: str
    current: bool = Field(description="it is the one in force")
    made_on: str | None
    classes: dict[Standing, int] = Field(description="how many classes have proved themselves how far")
    mean_map50: float | None = Field(description="mean over the classes that were judged; null where none was")
    decision: Decision = Field(description="how it came out of the comparison")
    refusal: str | None = Field(description="why it cannot be used; null where it can")


class VersionDetail(VersionView):
    """A version with all that is known of it."""

    card: Card | None
    verdict: Verdict | None
    curves: Curves | None = Field(description="precision and recall at each confidence; null where never measured")
    steps: list[Step] = Field(description="when it came into force and went, oldest first")


class Promotion(BaseModel):
    """A version is to be put in force."""

    model_config = ConfigDict(extra="forbid")

    why: Annotated[str, line(500)] = Field(default="", description="kept in the history and in the log")
    despite_verdict: bool = Field(default=False, description="even if it was rejected; needs `why`")


class Rollback(BaseModel):
    """The version before is to be put in force again."""

    model_config = ConfigDict(extra="forbid")

    why: Annotated[str, line(500)] = ""


class Taken(BaseModel):
    """What is in force after a step."""

    before: str | None
    now: str
    at: datetime | None = Field(description="null: it was in force already and nothing was done")


@router.get("", summary="List the versions of the model by name")
def list_models(context: Context, _: ModelViewer) -> list[VersionView]:
    return versions_of(context)


@router.post("/rollback", summary="Put the version in force that was so before; again leads further back")
def roll_back_model(context: Context, caller: ModelManager, wanted: Rollback) -> Taken:
    return roll_back(context, caller, wanted)


@router.get("/{version}", summary="Show a version: its card, verdict, curves, when it was in force")
def get_model(context: Context, _: ModelViewer, version: str) -> VersionDetail:
    return version_of(context, version)


@router.post("/{version}/promote", summary="Verify a version and put it in force; workers follow within seconds")
def promote_model(context: Context, caller: ModelManager, version: str, wanted: Promotion) -> Taken:
    return promote(context, caller, version, wanted)


def registry_of(service: Service) -> Registry:
    """Give the registry that the service takes its model from.

    Raises:
        Conflict: the settings name one single version, which has no others beside it.
    """
    try:
        return Registry(service.settings.model_folder)
    except ModelRefused as error:
        raise Conflict(f"The settings name one version of the model (POINTWATCH_MODEL_DIR): {error}") from error


def versions_of(service: Service) -> list[VersionView]:
    """Give all versions by name; those that cannot be used say why."""
    return [VersionView(**_known_of(entry)) for entry in registry_of(service).entries()]


def version_of(service: Service, version: str) -> VersionDetail:
    """Give one version with all that is known of it.

    Raises:
        NotFound: there is no such version.
    """
    registry = registry_of(service)
    entry = _entry(registry, version)
    try:
        curves = registry.curves(version) if entry.card else None
    except ModelRefused as error:  # the version serves all the same
        log.warning("the curves of a version cannot be read", version=version, reason=str(error))
        curves = None
    steps = [one for one in registry.steps() if version in (one.before, one.to)]
    return VersionDetail(**_known_of(entry), card=entry.card, verdict=entry.verdict, curves=curves, steps=steps)


def promote(service: Service, caller: Caller, version: str, wanted: Promotion) -> Taken:
    """Put a version in force on behalf of a caller.

    Raises:
        Forbidden; NotFound: there is no such version; Conflict: it cannot be used, or was rejected.
    """
    caller.require(Permission.manage_models)
    registry = registry_of(service)
    _entry(registry, version)
    try:
        taken = registry.promote(
            version, service.taxonomy, why=wanted.why, despite_verdict=wanted.despite_verdict, who=caller.name
        )
    except DetectorError as error:
        raise Conflict(str(error)) from error
    return _told(service, caller, PROMOTED, version, taken)


def roll_back(service: Service, caller: Caller, wanted: Rollback) -> Taken:
    """Put the version in force that was so before, on behalf of a caller.

    Raises:
        Forbidden; Conflict: there is none before, or it cannot be used.
    """
    caller.require(Permission.manage_models)
    registry = registry_of(service)
    try:
        taken = registry.roll_back(service.taxonomy, why=wanted.why, who=caller.name)
    except DetectorError as error:
        raise Conflict(str(error)) from error
    return _told(service, caller, ROLLED_BACK, taken.to, taken)


def _told(service: Service, caller: Caller, action: str, version: str, taken: Step | None) -> Taken:
    """Write a step into the log; the registry's own history has it already, whatever happens here."""
    if taken is None:
        return Taken(before=version, now=version, at=None)
    entry = audit.Entry(
        subject_kind=SUBJECT,
        subject_id=uuid.uuid5(uuid.NAMESPACE_OID, service.card.name),
        action=action,
        by_user_id=caller.user_id,
        before=taken.before,
        after=taken.to,
        note=taken.why,
    )
    with service.database.write() as session:
        audit.append(session, entry)
    return Taken(before=taken.before, now=taken.to, at=taken.when)


def _entry(registry: Registry, version: str) -> Entry:
    try:
        return registry.entry(version)
    except ModelRefused as error:
        raise NotFound(str(error)) from error


def _known_of(entry: Entry) -> dict[str, Any]:
    classes = entry.card.classes if entry.card else []
    judged = [one.metrics.map50 for one in classes if one.metrics]
    counted = {standing: sum(one.standing is standing for one in classes) for standing in Standing}
    return {
        "version": entry.version,
        "current": entry.current,
        "made_on": str(entry.card.made_on) if entry.card else None,
        "classes": {standing: count for standing, count in counted.items() if count},
        "mean_map50": round(sum(judged) / len(judged), 4) if judged else None,
        "decision": entry.decision,
        "refusal": entry.refusal,
    }
