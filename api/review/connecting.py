"""Connecting to a Label Studio server: what is made there, what is found wrong there, and how we get back in."""

import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.orm import Session

from api.context import Service
from api.database import now
from api.errors import NotFound, Unfit
from api.review.config import label_config
from api.review.labelstudio import LabelStudio, LabelStudioRefused
from api.review.tables import LabelProject
from api.sealing import SealBroken

TITLE = "Pointwatch 点巡"
DESCRIPTION = "Doubtful detections of street patrols. Mend the boxes and submit; submit none where nothing is wrong."
OURS = "/label-studio"  # what of us Label Studio calls lies under this path
USER = "pointwatch"
HOOK_HEADER = "X-Pointwatch-Secret"
ACTIONS = ("ANNOTATION_CREATED", "ANNOTATIONS_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED", "TASKS_DELETED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """What connecting has done, for people to read."""

    url: str
    project: int
    version: str
    user: str
    made: bool  #: the project is new
    warnings: list[str] = field(default_factory=list)  #: what does not work yet, each with what to change


def connect(context: Service, url: str, token: str, our_url: str) -> Connected:
    """Make or adopt our project on a server and remember it; connecting again mends what has changed.

    Args:
        context: the service.
        url: of the server.
        token: a personal access token or a legacy one.
        our_url: where the server and its users' browsers reach this service.

    Raises:
        LabelStudioAway, LabelStudioRefused: with what to do. Unfit: an address that is none.
    """
    url, our_url = _address(url), _address(our_url)
    config = label_config(context.taxonomy, context.card)
    warnings: list[str] = []
    with LabelStudio(url, token) as remote:
        version, user = remote.version(), remote.who()
        found = remote.find_project(TITLE)
        if found is None:
            number = remote.make_project(TITLE, config, DESCRIPTION)
        else:
            number = found
            remote.set_config(number, config)
        secret = _secret_of(context, url, number) or secrets.token_urlsafe(32)
        # Remembered before Label Studio calls: it asks our model for its version as soon as it is told of it.
        with context.database.write() as session:
            _remember(session, context, url=url, number=number, our_url=our_url, token=token, secret=secret)
        try:
            remote.hook(number, f"{our_url}{OURS}/webhook", {HOOK_HEADER: secret}, ACTIONS)
        except LabelStudioRefused as error:
            warnings.append(
                f"The webhook was not taken ({error}). Verdicts are read every few seconds instead. Label Studio "
                "blocks local addresses unless it is started with SSRF_PROTECTION_ENABLED=false."
            )
        try:
            remote.back(
                number, f"{our_url}{OURS}", title=f"Pointwatch {context.card.version}", user=USER, password=secret
            )
        except LabelStudioRefused as error:
            warnings.append(
                f"The model behind the page was not taken ({error}). Boxes are sent along with each task all the same. "
                "Label Studio blocks local addresses unless it is started with ML_BLOCK_LOCAL_IP=false."
            )
    return Connected(url=url, project=number, version=version, user=user, made=found is None, warnings=warnings)


def project_in_force(session: Session) -> LabelProject | None:
    """Give the project that pictures are sent to; None where none is connected."""
    return session.scalar(sa.select(LabelProject).filter_by(in_force=True))


def disconnect(session: Session) -> None:
    """Send nothing more; what is before people there is read no more.

    Raises:
        NotFound: none is connected.
    """
    project = project_in_force(session)
    if project is None:
        raise NotFound("No Label Studio is connected.")
    project.in_force = False


def wish_training(session: Session) -> None:
    """Note that somebody pressed "Start training" in Label Studio; whoever runs trainings takes the wish up."""
    session.execute(sa.update(LabelProject).filter_by(in_force=True).values(training_wished_at=now()))


def training_is_wished(session: Session) -> bool:
    """Say whether somebody pressed "Start training" and nobody has taken it up."""
    return session.scalar(sa.select(LabelProject.id).where(LabelProject.training_wished_at.is_not(None))) is not None


def forget_wish(session: Session) -> None:
    """Take the wish up."""
    session.execute(sa.update(LabelProject).values(training_wished_at=None))


def client_of(context: Service, project: LabelProject) -> LabelStudio:
    """Give a client for the connected server.

    Raises:
        Unfit: the token was sealed with a key that is gone.
    """
    return LabelStudio(project.url, _opened(context, project.token, _purpose("token", project.url, project.project)))


def secret_is(context: Service, given: str) -> bool:
    """Say whether this is the secret with which the connected Label Studio calls us."""
    with context.database.read() as session:
        project = project_in_force(session)
    if project is None or not given:
        return False
    secret = _opened(context, project.secret, _purpose("secret", project.url, project.project))
    return secrets.compare_digest(given.encode(), secret.encode())


def _opened(context: Service, sealed: str, purpose: str) -> str:
    try:
        return context.sealer.open(sealed, purpose)
    except SealBroken:
        raise Unfit("Label Studio's token cannot be read: the service's key has changed. Connect again.") from None


def _purpose(what: str, url: str, number: int) -> str:
    return f"label_projects.{what}:{url}#{number}"


def _secret_of(context: Service, url: str, number: int) -> str | None:
    with context.database.read() as session:
        known = session.scalar(sa.select(LabelProject).filter_by(url=url, project=number))
    return _opened(context, known.secret, _purpose("secret", url, number)) if known else None


def _remember(
    session: Session, context: Service, *, url: str, number: int, our_url: str, token: str, secret: str
) -> None:
    known = session.scalar(sa.select(LabelProject).filter_by(url=url, project=number))
    session.execute(sa.update(LabelProject).values(in_force=False))
    values = {
        "our_url": our_url,
        "token": context.sealer.seal(token.strip(), _purpose("token", url, number)),
        "secret": context.sealer.seal(secret, _purpose("secret", url, number)),
        "in_force": True,
        "connected_at": now(),
        "last_error": None,
    }
    if known is None:
        session.add(LabelProject(url=url, project=number, **values))
    else:
        session.execute(sa.update(LabelProject).filter_by(id=known.id).values(values))


def _address(given: str) -> str:
    try:
        parts = urlsplit(given.strip())
        usable = parts.scheme in ("http", "https") and parts.hostname and not parts.username and not parts.query
    except ValueError:
        usable = False
    if not usable:
        raise Unfit(f"{given[:100]!r} is no address of a server, such as http://127.0.0.1:8080.")
    return given.strip().rstrip("/")
