"""Put the service together: `build_app(settings)`. Nothing here runs at import."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import JSONResponse

from api import versions
from api.accounts import routes as accounts
from api.accounts import secret_files, signing_in
from api.accounts import service as accounts_service
from api.accounts.door import BODY_BYTES, Door, Router, allow
from api.accounts.roles import Permission
from api.cameras import routes as cameras
from api.captures import routes as captures
from api.clocks.hours import read_office_hours
from api.clocks.limits import ClockRules, read_limits
from api.console import exporting, figures, pages
from api.context import Service
from api.database import Database
from api.field import routes as field
from api.filters import routes as filters
from api.history import router as history
from api.issues import routes as issues
from api.issues import whistle_routes as whistles
from api.learning import routes as learning
from api.links import Links
from api.media import Media
from api.metrics import router as metrics
from api.models import about_model, open_card, seed_registry
from api.notify import inbox_routes as inbox
from api.notify import routes as notify
from api.notify.rules import read_rules
from api.open311 import office as open311_office
from api.open311.door import Counting, Open311Door
from api.open311.offer import read_offer
from api.open311.routes import build_open311
from api.patrols import routes as patrols
from api.points import routes as points
from api.posts import routes as posts
from api.problems import install
from api.reports import routes as reports
from api.reports.wording import read_wording
from api.review import routes as review
from api.review.connecting import OURS
from api.routing import routes as routing
from api.sealing import open_sealer
from api.settings import Settings
from api.sheets import MAX_BYTES as SHEET_BYTES
from api.standards import routes as standards
from api.standards import service as standards_service
from detector import shipped
from detector.cameras.zones import MAX_BYTES as ZONES_BYTES
from detector.taxonomy import read_taxonomy

DESCRIPTION = """Photos of points go in; one open issue for each point and kind of violation comes out.

Send an API key as `Authorization: Bearer KEY`. Lists have cursors (`next`), times have zones, boxes are in pixels of
the upright original picture, positions are WGS-84 degrees. Refusals are problem details (RFC 9457)."""


#: What is imported as a table, by its path.
REGISTERS = ("points", "posts", "routing/rules", "standards/items")


def open_service(settings: Settings) -> Service:
    """Open database and media, read catalogue and card, make what the first start needs.

    Raises:
        Misconfigured, DetectorError: the service could not work like this; said before anything listens.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)  # photos and names are nobody else's business
    taxonomy = read_taxonomy(settings.taxonomy_file)
    office = read_office_hours(settings.office_hours_file)
    read_rules(settings.notices_file)  # a mistake in it is told before anything listens
    read_wording(settings.bulletin_file)  # said now where it is wrong, not when a bulletin is due
    clocks = ClockRules(taxonomy=taxonomy, office=office, limits=read_limits(settings.clocks_file, taxonomy))
    seed_registry(settings, taxonomy)
    model = open_card(settings, taxonomy)
    database = Database(settings.database)
    database.upgrade()
    secret_files.close_to_others(settings.data_dir)
    with database.write() as session:
        accounts_service.first_start(session, settings.data_dir)
        standards_service.first_start(session, shipped("datasets/standards/example.yaml"), taxonomy)
    return Service(
        settings=settings,
        database=database,
        media=Media(settings.media),
        taxonomy=taxonomy,
        office=office,
        clocks=clocks,
        model=model,
        sealer=open_sealer(settings.sealing_key, settings.data_dir),
        links=Links(secret_files.link_secret(settings.data_dir)),
    )


def build_app(settings: Settings) -> FastAPI:
    """Give the whole web application."""
    service = open_service(settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        service.database.close()

    app = FastAPI(
        title="Pointwatch",
        version=version("pointwatch"),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # their scripts come from another host; the console has its own page
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.state.service = service
    _add_health(app, service)
    install(app, settings.language)
    app.include_router(signing_in.router)
    inside = APIRouter(prefix="/api/v1")
    for router in (
        accounts.router,
        filters.router,
        posts.router,
        points.router,
        routing.router,
        standards.router,
        captures.router,
        figures.router,
        exporting.router,  # before the issues' own, where any word may be a number
        issues.router,
        whistles.router,
        patrols.router,
        cameras.router,
        notify.router,
        inbox.router,
        history,
        review.router,
        learning.router,
        reports.router,
        open311_office.router,
        _about(service),
        about_model(service),
        versions.router,
    ):
        inside.include_router(router)
    app.include_router(inside)
    app.include_router(metrics)
    app.include_router(field.router)
    app.include_router(review.called_by_label_studio)
    app.add_middleware(
        Door,
        database=service.database,
        body_bytes={
            "/api/v1/issues/*/after-photos": settings.max_upload_mib * 1024 * 1024,
            "/api/v1/points/*/zone": settings.max_photo_mib * 1024 * 1024 + BODY_BYTES,
            "/api/v1/captures": settings.max_upload_mib * 1024 * 1024,
            # the file and the form around it
            **{f"/api/v1/{register}/import": SHEET_BYTES + BODY_BYTES for register in REGISTERS},
            "/api/v1/cameras/*/zones/import": ZONES_BYTES + BODY_BYTES,
            f"{OURS}/predict": 16 * 1024 * 1024,  # a thousand tasks
            f"{OURS}/webhook": 64 * 1024 * 1024,  # five thousand annotations at once
        },
        language=settings.language,
    )
    _add_open311(app, service)
    pages.add_pages(app, service)  # its headers go around the door, so that refusals carry them too
    return app


def _add_open311(app: FastAPI, service: Service) -> None:
    """Let Open311 answer in front of the door: it has its own, at which strangers may ask."""
    settings = service.settings
    offer = read_offer(settings.open311_file, service.taxonomy)
    counting = Counting(offer.tries_a_minute)
    app.add_middleware(
        Open311Door,
        open311=build_open311(service, offer, counting),
        counting=counting,
        picture_bytes=settings.max_photo_mib * 1024 * 1024,
        language=settings.language,
    )


def _add_health(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", tags=["health"], summary="The process is alive; needs no key")
    async def healthz() -> dict[str, str]:
        return {"status": "alive", "service": "pointwatch"}

    @app.get("/readyz", tags=["health"], summary="Database and model are there; needs no key")
    def readyz() -> dict[str, str]:
        service.database.check()
        return {"status": "ready"}

    for path, answer in (("/healthz", healthz), ("/readyz", readyz)):  # what watches a service often asks with HEAD
        app.add_api_route(path, answer, methods=["HEAD"], include_in_schema=False)


def _about(service: Service) -> Router:
    """Make the routes that show what is in force."""
    router = Router(tags=["about"], dependencies=[Depends(allow(Permission.view_catalogue))])

    @router.get("/taxonomy", summary="The catalogue in force, with what the model has proved on each class")
    def taxonomy() -> JSONResponse:
        catalogue = service.taxonomy.model_dump(mode="json")
        for kind in catalogue["kinds"]:
            for entry in kind["classes"]:
                entry["standing"] = service.taxonomy.standing(entry["code"], service.card)
        return JSONResponse(catalogue)

    return router
