"""`pointwatch cameras`: the cameras that are watched, their zones, and the process that watches them."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.office import open_office
from cli.serve import leave_with_parent

if TYPE_CHECKING:
    from api.cameras.schemas import CameraFields
    from api.context import Service
    from detector.cameras.probe import Probe

app = typer.Typer(help="Cameras that are watched.", no_args_is_help=True)
zones = typer.Typer(help="The zones of a camera, as `pointwatch replay --zones` takes them.", no_args_is_help=True)
app.add_typer(zones, name="zones")

#: Whoever lists the processes sees their arguments, so the password is none.
PASSWORD = "POINTWATCH_CAMERA_PASSWORD"  # noqa: S105 - the variable's name
Code = Annotated[str, typer.Argument(help="the camera's code, as `cameras list` shows it")]


@app.command("add")
def add_camera(
    code: Annotated[str, typer.Argument(help="short code, unique, e.g. CAM-01")],
    address: Annotated[
        str, typer.Argument(help="rtsp, rtsps, http or https, its password better not in it; or stills:NAME")
    ],
    point: Annotated[str, typer.Option(help="code of the point that it watches")],
    name: Annotated[str, typer.Option(help="what people call it; its code by default")] = "",
    user: Annotated[str | None, typer.Option(help=f"user name; the password is read from {PASSWORD} or asked")] = None,
    snapshots: Annotated[bool, typer.Option("--snapshots", help="it gives one picture each time it is asked")] = False,
    transport: Annotated[str, typer.Option(help="of RTSP: tcp or udp")] = "tcp",
    every: Annotated[float, typer.Option(help="seconds between the frames that are looked at")] = 4.0,
    weight: Annotated[float, typer.Option(help="its share of the model against its neighbours'")] = 1.0,
) -> None:
    """Add a camera; the running service begins to watch it within seconds."""
    from api.accounts.schemas import EVERYWHERE
    from api.cameras import service

    password = None
    if user is not None:
        password = os.environ.get(PASSWORD) or typer.prompt("Password (not shown)", hide_input=True, default="")
    said = {
        "code": code,
        "name": name or code,
        "point": point,
        "address": address,
        "user": user,
        "password": password,
        "kind": "stills" if address.startswith("stills:") else "snapshots" if snapshots else "stream",
        "transport": transport,
        "every_s": every,
        "weight": weight,
    }
    wanted = _fields(said)
    context = open_office()
    with context.database.write() as session:
        row = service.add_camera(session, wanted, context.sealer, within=EVERYWHERE, by=None)
    context.database.close()
    print(f"{row.code}  {row.address}  at {point}")
    print(f"Try it: pointwatch cameras test {row.code} --still {row.code}.jpg")


def _fields(said: dict[str, object]) -> "CameraFields":
    """Read the fields of a camera.

    Raises:
        Unfit: one of them cannot be; what was entered is not repeated.
    """
    from pydantic import ValidationError

    from api.cameras.schemas import CameraFields
    from api.errors import Unfit

    try:
        return CameraFields.model_validate(said)
    except ValidationError as error:
        wrong = error.errors(include_input=False)[0]
        raise Unfit(f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}") from None


@app.command("list")
def list_cameras() -> None:
    """List the cameras, how they fare and what they report."""
    from api.accounts.schemas import EVERYWHERE
    from api.cameras import service, views
    from api.paging import MOST, Window

    context = open_office()
    cursor: str | None = None
    with context.database.read() as session:
        while True:
            rows, cursor = service.list_cameras(session, Window(limit=MOST, cursor=cursor), within=EVERYWHERE)
            for one in views.camera_views(session, rows):
                since = f"{one.since.astimezone(context.settings.zone):%Y-%m-%d %H:%M}"
                does = f"{one.figures.fps_in:.1f} fps, {one.zones} zones, {one.lasting} lasting"
                print(f"{one.code:<12} {one.state:<8} since {since}  {does}  {one.point}  {one.address}  {one.name}")
                if one.why and one.state == "offline":
                    print(f"{'':<12} {one.why}")
            if cursor is None:
                break
    context.database.close()


@app.command("test")
def try_camera(
    code: Code,
    still: Annotated[
        Path | None, typer.Option(dir_okay=False, help="write what it sees here, faces and plates hidden (JPEG)")
    ] = None,
    language: Annotated[str, typer.Option(envvar="POINTWATCH_LANGUAGE", help="zh or en")] = "zh",
) -> int:
    """Look at a camera for some seconds: does it work, what does it send, what will it cost."""
    from api.accounts.schemas import EVERYWHERE
    from api.cameras import service, views
    from detector.cameras.probe import probe
    from detector.errors import CameraError

    context = open_office()
    try:
        with context.database.read() as session:
            row = service.get_camera(session, code, within=EVERYWHERE)
            source = service.source_of(row, context.sealer, context.settings.data_dir)
        print(f"{row.code}  {row.address}")
        try:
            found = probe(source)
        except CameraError as error:
            for line in views.refused_report(error, language).words:
                print(line)
            return 1
        report = views.report_of(found, row.every_s, language)
        for line in report.words:
            print(line)
        keys = "-" if report.key_every_s is None else f"{report.key_every_s} s"
        print(
            f"{report.codec}  {report.width}x{report.height}  {report.fps or '-'} fps  {report.kbit_s or '-'} kbit/s  "
            f"key frames every {keys}  {report.cost_percent} % of a core"
        )
        if still is not None:
            still.write_bytes(_veiled(context, found))
            print(still)
    finally:
        context.database.close()
    return 0


def _veiled(context: "Service", found: "Probe") -> bytes:
    """Give the picture as people may see it."""
    from api.pictures import Painter, jpeg
    from api.recorder import veiled
    from detector import Detector

    detector = Detector.load(context.settings.model_folder, threads=context.settings.model_threads)
    painter = Painter(context.settings, context.taxonomy)
    return jpeg(veiled(found.pixels, found.width, found.height, detector, painter))


@app.command("remove")
def remove_camera(code: Code) -> None:
    """Take a camera away; what it reported stays."""
    from api.accounts.schemas import EVERYWHERE
    from api.cameras import service

    context = open_office()
    with context.database.write() as session:
        service.remove_camera(session, code, within=EVERYWHERE, by=None)
    context.database.close()
    print(f"{code} is removed")


@app.command("watch")
def watch_cameras() -> None:
    """Watch the cameras; `pointwatch serve` runs this beside web and worker as soon as there is a camera."""
    from api.logs import configure
    from api.settings import read_settings
    from api.watcher import Watcher
    from api.worker import stop_on_signals
    from detector import Detector
    from detector.live import LiveModel
    from detector.registry import earlier_versions

    configure()
    leave_with_parent()
    settings = read_settings()
    context = open_office()

    def load(folder: Path) -> Detector:
        detector = Detector.load(folder, threads=settings.model_threads)
        context.taxonomy.check_against(detector.card)
        return detector

    one = Watcher(context, LiveModel(settings.model_folder, load, else_try=earlier_versions(settings.model_folder)))
    stop_on_signals(one)
    one.run()
    context.database.close()


@zones.command("export")
def export_zones(
    code: Code, out: Annotated[Path | None, typer.Option(dir_okay=False, help="file; else printed")] = None
) -> None:
    """Write a camera's zones as a file for `pointwatch replay --zones`."""
    from api.accounts.schemas import EVERYWHERE
    from api.cameras import service
    from detector.cameras.zones import write_zones

    context = open_office()
    with context.database.read() as session:
        row = service.get_camera(session, code, within=EVERYWHERE)
        text = write_zones(service.zones_in_force(session, [row])[row.id])
    context.database.close()
    if out is None:
        print(text, end="")
    else:
        out.write_text(text, encoding="utf-8")
        print(out)


@zones.command("import")
def import_zones(code: Code, file: Annotated[Path, typer.Argument(dir_okay=False, help="YAML")]) -> None:
    """Take a camera's zones from a file; the running service goes by them within seconds."""
    from api.accounts.schemas import EVERYWHERE
    from api.cameras import service
    from detector.cameras.zones import read_zones

    drawn = read_zones(file)
    context = open_office()
    with context.database.write() as session:
        made = service.set_zones(
            session,
            code,
            drawn,
            context.taxonomy,
            [one.name for one in context.card.classes],
            within=EVERYWHERE,
            by=None,
            revision=None,
        )
    context.database.close()
    print(f"{code}: {len(drawn.zones)} zones, version {made.version}")
