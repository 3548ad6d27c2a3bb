"""Everything that can be set, each with a default that works. Read once by the command, passed down; never a global."""

from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.errors import Misconfigured
from api.fields import ZoneName
from detector import shipped


class Settings(BaseSettings):
    """Settings of the service, from the environment (`POINTWATCH_…`)."""

    model_config = SettingsConfigDict(env_prefix="POINTWATCH_", frozen=True, extra="ignore")

    data_dir: Path = Field(default=Path("var"), description="everything the service keeps lies under it")
    database_url: SecretStr | None = Field(
        default=None, description="postgresql+psycopg://…; without it SQLite in the data directory"
    )
    media_url: str | None = Field(
        default=None, description="fsspec URL such as s3://bucket/path; else the data directory"
    )
    model_dir: Path | None = Field(
        default=None, description="folder with CURRENT or card.yaml; else in the data directory"
    )
    taxonomy: Path | None = Field(default=None, description="catalogue of violations; else the shipped one")
    office_hours: Path | None = Field(default=None, description="when offices work; else the shipped hours")
    clocks: Path | None = Field(default=None, description="limits of each step and escalation; else the shipped ones")
    notices: Path | None = Field(default=None, description="who is told what; else the shipped rules")
    bulletin: Path | None = Field(default=None, description="wording and talk rules; else the shipped ones")
    open311: Path | None = Field(default=None, description="what Open311 offers; else the shipped offer")
    host: str = Field(default="127.0.0.1", description="address the web process listens on")
    port: int = Field(default=8000, ge=1, le=65535)
    secure_cookies: bool = Field(default=False, description="set where the service is reached over HTTPS")
    language: str = Field(default="zh", pattern="^(zh|en)$", description="for those who do not say which they read")
    time_zone: ZoneName = Field(default="Asia/Shanghai", description="of cameras that record no offset, and of pages")
    number_prefix: str = Field(default="DH", pattern="^[A-Z]{1,8}$", description="of issue numbers: DH-2026-000123")

    privacy: Literal["blur", "off"] = Field(
        default="blur", description="blur: faces and number plates are hidden in every picture that is shown"
    )
    max_photo_mib: int = Field(default=40, ge=1, le=1024, description="one photo, MiB")
    max_upload_mib: int = Field(default=400, ge=1, le=4096, description="one request, MiB")
    max_photos: int = Field(default=100, ge=1, le=1000, description="photos in one request")
    max_megapixels: float = Field(default=64.0, gt=0, le=500)
    nearest_point_m: float = Field(
        default=150.0,
        gt=0,
        description="a photo without a point goes to one this near, and one with a point is doubted beyond it, metres",
    )

    public_url: str | None = Field(
        default=None, pattern=r"^https?://[^\s?#]+$", description="where people reach the pages, for links in messages"
    )
    sealing_key: SecretStr | None = Field(
        default=None, description="32 random bytes in base64, the same on all machines; else made on first use"
    )
    webhook_networks: str = Field(
        default="",
        description="networks of your own that webhooks may reach, also without TLS, e.g. 10.1.0.0/16,192.168.7.0/24",
    )
    webhook_timeout_s: float = Field(default=10.0, gt=0, le=60, description="one try to deliver, seconds")
    webhook_first_wait_s: float = Field(
        default=10.0, gt=0, description="before the second try; each wait is 3 times more"
    )
    webhook_attempts: int = Field(default=10, ge=1, le=30, description="then a message is given up: about half a day")
    webhook_give_up_h: float = Field(
        default=24.0, gt=0, description="a webhook that fails so long is switched off, hours"
    )
    webhook_log_days: int = Field(default=30, ge=1, description="deliveries that ended are kept so long, days")
    smtp_host: str | None = Field(default=None, description="server that takes our e-mail; without it none is sent")
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="none: only on this machine"
    )
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: str = Field(
        default="pointwatch@localhost", pattern=r"^[!-~]+@[!-~]+$", description="sender of our e-mail"
    )

    review_confident: float = Field(
        default=0.02, ge=0, le=1, description="share of sure captures that people review, to know the precision"
    )
    review_empty: float = Field(
        default=0.02,
        ge=0,
        le=1,
        description="share of captures without a finding that people review, to know the misses",
    )
    review_pair_min: float = Field(
        default=15.0,
        ge=0,
        description="a photo and a camera's picture so near in time that have nothing in common are reviewed, minutes",
    )
    review_poll_s: float = Field(
        default=20.0, gt=0, description="how often Label Studio is asked for what its webhooks did not tell, seconds"
    )
    train_python: Path | None = Field(
        default=None,
        description="interpreter with the training extra, e.g. .venv-train/bin/python; without it none runs",
    )
    train_dir: Path | None = Field(default=None, description="where trainings work; else in the data directory")
    train_after: int = Field(
        default=0, ge=0, description="captures decided since the last training that start the next; 0: only on demand"
    )
    train_options: str = Field(default="", description="more options for `pointwatch train`, e.g. --epochs 2")
    repeat_window_days: int = Field(default=30, ge=0, description="seen again so soon after closing: reopened")
    lease_s: float = Field(default=30.0, gt=0, description="a worker that is silent for so long has lost its capture")
    max_attempts: int = Field(default=3, ge=1, description="then a capture is parked with its error")
    poll_s: float = Field(default=0.25, gt=0, description="how often an idle worker looks for work, seconds")
    model_threads: int | None = Field(default=None, ge=1, description="processor threads for the model; else all cores")

    camera_offline_s: float = Field(
        default=60.0, gt=0, description="without a picture: then a camera is called offline"
    )
    camera_clip_days: float = Field(
        default=30.0, gt=0, description="cameras' clips are kept so long, and while an issue that they show is open"
    )
    camera_clip_gib: float = Field(
        default=20.0, ge=0, description="cameras' clips take no more than this, but for those of open issues, GiB"
    )
    camera_frame_days: float = Field(
        default=90.0,
        gt=0,
        description="cameras' frames as they were sent are kept so long, and while an issue that they show is open; "
        "stills that nobody renews as well",
    )
    camera_frame_gib: float = Field(
        default=20.0, ge=0, description="these frames take no more than this, but for those of open issues, GiB"
    )

    @field_validator("webhook_networks")
    @classmethod
    def _known_networks(cls, value: str) -> str:
        _networks(value)
        return value

    @cached_property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Give the networks of the office's own that webhooks may reach."""
        return _networks(value=self.webhook_networks)

    @cached_property
    def zone(self) -> ZoneInfo:
        """Give the office's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def database(self) -> str:
        """Give the SQLAlchemy URL in force, password included: never print it."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir.absolute() / 'pointwatch.sqlite3'}"

    @property
    def media(self) -> str:
        """Give the fsspec URL of the media in force."""
        return self.media_url or f"file://{self.data_dir.absolute() / 'media'}"

    @property
    def model_folder(self) -> Path:
        """Give the folder of the versions of the model, one of them in force."""
        return self.model_dir or self.data_dir / "models" / "street"

    @property
    def training_folder(self) -> Path:
        """Give the folder in which trainings work and keep the sets that they learned."""
        return self.train_dir or self.data_dir / "training"

    @property
    def office_hours_file(self) -> Path:
        """Give the office hours in force."""
        return self.office_hours or shipped("datasets/office_hours.yaml")

    @property
    def clocks_file(self) -> Path:
        """Give the limits of each step in force."""
        return self.clocks or shipped("datasets/clocks.yaml")

    @property
    def notices_file(self) -> Path:
        """Give the rules of who is told what in force."""
        return self.notices or shipped("datasets/notices.yaml")

    @property
    def bulletin_file(self) -> Path:
        """Give the wording of bulletins and the rules of the talk list in force."""
        return self.bulletin or shipped("datasets/bulletin.yaml")

    @property
    def open311_file(self) -> Path:
        """Give the Open311 offer in force."""
        return self.open311 or shipped("datasets/open311.yaml")

    @property
    def taxonomy_file(self) -> Path:
        """Give the catalogue in force."""
        return self.taxonomy or shipped("datasets/taxonomy.yaml")


def _networks(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
    except ValueError as error:
        raise ValueError(f"{error}; write networks such as 10.1.0.0/16,192.168.7.0/24") from error


def read_settings() -> Settings:
    """Read the environment.

    Raises:
        Misconfigured: naming each variable that cannot be.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = (f"POINTWATCH_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors())
        raise Misconfigured("; ".join(wrong)) from error
