"""How the service's processes log: one line an event, to stderr; never a key, a password or a picture."""

import logging
import sys

import structlog


def configure(*, as_json: bool | None = None) -> None:
    """Set up logging for this process; JSON lines where stderr is not a terminal (None), or as asked."""
    to_json = not sys.stderr.isatty() if as_json is None else as_json
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False) if to_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.format_exc_info] if to_json else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        # stderr as it is when a line is written: whoever runs a command inside another program may have replaced it
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
