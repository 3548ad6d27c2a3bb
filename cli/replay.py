"""`pointwatch replay`: try a camera's zones on a recording and see what would have been reported.

Nothing heavy is imported up here, so that `pointwatch --help` answers at once.
"""

import json
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.detect import Format, Language

if TYPE_CHECKING:
    from detector.cameras.events import Happening, Stay
    from detector.cameras.source import Source
    from detector.taxonomy import Taxonomy

WORDS = {
    "zh": {
        "class": "类别",
        "zone": "区域",
        "start": "开始",
        "end": "结束",
        "reported": "报告于",
        "confidence": "置信度",
        "certainty": "处理",
        "box": "位置（像素）",
        "automatic": "自动立案",
        "review": "待审核",
        "lasts": "未结束",
        "moved": "第 {at} 秒：画面已移动，区域需要重新核对，期间不作判断。",
        "covered": "第 {at} 秒：镜头被遮挡或无画面，期间不作判断。",
        "restored": "第 {at} 秒：画面恢复，继续判断。",
        "summary": "{seconds} 秒录像，{frames} 帧，模型看了 {looks} 帧，违规 {stays} 起。模型 {model}。",
    },
    "en": {
        "class": "Class",
        "zone": "Zone",
        "start": "Start s",
        "end": "End s",
        "reported": "Reported s",
        "confidence": "Confidence",
        "certainty": "What follows",
        "box": "Box px",
        "automatic": "opens an issue",
        "review": "for review",
        "lasts": "lasts",
        "moved": "Second {at}: the camera has moved. Check the zones; nothing is judged until it is back.",
        "covered": "Second {at}: the camera sees nothing. Nothing is judged until it does.",
        "restored": "Second {at}: the camera is back where it was.",
        "summary": "{seconds} s of video, {frames} frames, {looks} of them shown to the model, {stays} violations. "
        "Model {model}.",
    },
}


def _moment(value: str | None) -> str | None:
    if value is not None:
        try:
            datetime.fromisoformat(value)
        except ValueError:
            raise typer.BadParameter(f"{value!r} is no time such as 2026-11-23T08:00+08:00.") from None
    return value


def command(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="A video file, or a folder of stills.")],
    zones: Annotated[Path, typer.Option("--zones", dir_okay=False, help="YAML file of the camera's zones.")],
    output: Annotated[
        Format, typer.Option("--format", help="A table for people, or one JSON object a line for programs.")
    ] = Format.table,
    every: Annotated[float, typer.Option(min=0, max=3600, help="Seconds between the frames that are looked at.")] = 1.0,
    began: Annotated[
        str | None,
        typer.Option(callback=_moment, help="When the video begins, as 2026-11-23T08:00+08:00; for zones with hours."),
    ] = None,
    apart: Annotated[
        float | None, typer.Option(min=0.01, help="Seconds between two stills; their own times by default.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(envvar="POINTWATCH_MODEL_DIR", help="Folder of a model; the shipped one by default.")
    ] = None,
    taxonomy: Annotated[
        Path | None, typer.Option(envvar="POINTWATCH_TAXONOMY", help="Catalogue file; the shipped one by default.")
    ] = None,
    language: Annotated[
        Language, typer.Option(envvar="POINTWATCH_LANGUAGE", help="Language of names and labels.")
    ] = Language.zh,
    threads: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processor threads for the model; all cores by default.")
    ] = None,
    gated: Annotated[
        bool, typer.Option("--gate/--no-gate", help="Spare the model frames that show nothing new.")
    ] = True,
) -> int:
    """Try a camera's zones on a recording: a line for each violation, in seconds of the recording."""
    from detector.cameras.replay import replay
    from detector.cameras.watch import Watch
    from detector.cameras.zones import read_zones
    from detector.detect import Detector
    from detector.installation import shipped
    from detector.taxonomy import read_taxonomy

    drawn = read_zones(zones)
    catalogue = read_taxonomy(taxonomy or shipped("datasets/taxonomy.yaml"))
    detector = Detector.load(model or shipped("models/street"), threads=threads)
    watch = Watch(drawn, catalogue, detector.card, gated=gated)
    last_s = 0.0

    def tell(what: "Happening", at_s: float) -> None:
        print(f"pointwatch: {WORDS[language][what.value].format(at=round(at_s))}", file=sys.stderr)

    def follow(frame: object) -> None:
        nonlocal last_s
        last_s = frame.at_s  # type: ignore[attr-defined]

    stays = replay(_source(video, began, apart), watch, detector, every_s=every, happened=tell, passed=follow)
    if output is Format.jsonl:
        for one in stays:
            print(json.dumps(_record(one), ensure_ascii=False), flush=True)
        return 0
    told = sorted(stays, key=lambda one: (one.since_s, one.number))
    _table(told, catalogue, language)
    print(
        WORDS[language]["summary"].format(
            seconds=round(last_s),
            frames=watch.figures.frames,
            looks=watch.figures.looks,
            stays=len(told),
            model=detector.version,
        )
    )
    return 0


def _source(video: Path, began: str | None, apart: float | None) -> "Source":
    from detector.cameras.source import Recording, Stills
    from detector.photo import CHINA

    if video.is_dir():
        return Stills(folder=video, apart_s=apart)
    moment = datetime.fromisoformat(began) if began else None
    if moment is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=CHINA)
    return Recording(path=video, began_at=moment)


def _record(stay: "Stay") -> dict[str, object]:
    """Give one line for programs: seconds of the recording, boxes in pixels of its picture."""
    return {
        "class": stay.code,
        "zone": stay.zone,
        "start": round(stay.since_s, 2),
        "end": round(stay.last_s if stay.ended_s is None else stay.ended_s, 2),
        "lasts": stay.ended_s is None,
        "reported": round(stay.began_s, 2),
        "confidence": round(stay.confidence, 4),
        "box": [round(value, 1) for value in stay.box],
        "certainty": stay.certainty.value,
        "reason": stay.reason.value,
    }


def _table(stays: "Iterable[Stay]", taxonomy: "Taxonomy", language: Language) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from cli.results import UNBOUND_WIDTH

    words = WORDS[language]
    table = Table(box=box.SIMPLE_HEAD)
    for key in ("class", "zone"):
        table.add_column(words[key], overflow="fold")
    for key in ("start", "end", "reported", "confidence"):
        table.add_column(words[key], justify="right")
    table.add_column(words["certainty"])
    table.add_column(words["box"], justify="right")
    for one in stays:
        end = words["lasts"] if one.ended_s is None else f"{one.ended_s:.1f}"
        row = [taxonomy.name_of(one.code, language), one.zone, f"{one.since_s:.1f}", end, f"{one.began_s:.1f}"]
        row += [f"{one.confidence:.2f}", words[one.certainty.value], " ".join(f"{value:.0f}" for value in one.box)]
        table.add_row(*(Text(cell) for cell in row))
    console = Console() if sys.stdout.isatty() else Console(width=UNBOUND_WIDTH)
    console.print(table)
