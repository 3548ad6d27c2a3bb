"""The model in force as the service sees it: where its versions lie, what may be used, what HTTP tells of it."""

import json
from pathlib import Path

import structlog
from fastapi import Depends
from fastapi.responses import JSONResponse

from api.accounts.door import Router, allow
from api.accounts.roles import Permission
from api.context import Service
from api.settings import Settings
from detector.card import Card
from detector.errors import ModelRefused
from detector.installation import shipped
from detector.live import LiveModel
from detector.registry import Registry, check_version, earlier_versions, since
from detector.seeding import Outcome, Seeding, seed
from detector.taxonomy import Taxonomy

log = structlog.get_logger()

SHIPPED_MODEL = "models/street"


def seed_registry(settings: Settings, taxonomy: Taxonomy) -> None:
    """Bring the installation's model into the service's own registry, unless the settings name another folder.

    Raises:
        ModelRefused: there is no model to start with.
    """
    if settings.model_dir is not None:
        return
    folder = settings.model_folder
    try:
        done = seed(folder, shipped(SHIPPED_MODEL), taxonomy)
    except (ModelRefused, FileNotFoundError) as error:
        if Registry(folder).current() is None:
            raise ModelRefused(f"There is no model to start with: {error}") from error
        log.warning("the installation's model cannot be used, the one in force stays", reason=str(error))
    else:
        _tell(done)


def _tell(done: Seeding) -> None:
    if done.outcome is Outcome.laid_beside:
        log.warning(
            "the installation brings another model, which waits to be promoted; the one in force stays",
            brought=done.version,
            model=done.current,
            reason=done.reason,
        )
    elif done.outcome is not Outcome.known:
        log.info("the installation's model is in force", outcome=done.outcome, model=done.current)


def open_card(settings: Settings, taxonomy: Taxonomy) -> LiveModel[Card]:
    """Give the card in force, kept up to date; of a version that no worker could use it never tells.

    Raises:
        DetectorError: the version in force cannot be used.
    """

    def read(folder: Path) -> Card:
        return check_version(folder, taxonomy)

    return LiveModel(settings.model_folder, read, else_try=earlier_versions(settings.model_folder))


def about_model(service: Service) -> Router:
    """Make the route that shows the model in force."""
    router = Router(tags=["about"], dependencies=[Depends(allow(Permission.view_catalogue))])

    @router.get("/model", summary="The card of the model in force, since when, and why a newer version was refused")
    def model() -> JSONResponse:
        card, live = service.card, service.model
        started = since(service.settings.model_folder, live.folder.name)
        said = json.loads(card.model_dump_json())
        said["in_force_since"] = started.isoformat() if started else None
        said["refused"] = {"version": live.refused, "reason": str(live.refusal)} if live.refusal else None
        return JSONResponse(said)

    return router
