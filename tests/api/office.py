"""The service inside the test's own process: the real application, database and media, and a worker on demand."""

import uuid
from types import TracebackType
from typing import Self

from fastapi.testclient import TestClient

from api.accounts import service as accounts
from api.accounts.roles import Role
from api.accounts.schemas import Granted, UserKind
from api.accounts.secret_files import admin_key_file
from api.app import build_app
from api.context import Service
from api.settings import Settings
from api.worker import Worker
from detector import Detector
from detector.live import LiveModel
from tests.api.client import Client


class Office:
    """Opens the application and hands out clients of each role."""

    def __init__(self, settings: Settings, detector: Detector) -> None:
        self.settings = settings
        self.app = build_app(settings)
        self.context: Service = self.app.state.service
        self.worker = Worker(self.context, LiveModel(settings.model_folder, lambda _: detector))
        self._http: list[TestClient] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for http in self._http:
            http.close()
        self.context.database.close()

    def client(self, role: Role = Role.admin, **headers: str) -> Client:
        """Give a client that holds a new key with a role."""
        return Client(self.http(Authorization=f"Bearer {self.key(role)[1]}", **headers))

    def http(self, **headers: str) -> TestClient:
        """Give a client with these headers and nothing else."""
        made = TestClient(self.app, headers=headers, follow_redirects=False, raise_server_exceptions=False)
        self._http.append(made)
        return made

    def key(self, role: Role = Role.admin) -> tuple[uuid.UUID, str]:
        """Make a key and give its id and itself."""
        with self.context.database.write() as session:
            user = accounts.add_service(session, name=f"a test's {role}", role=role)
            row, key = accounts.make_key(session, user.id, name=user.name)
            return row.id, key

    def granted(self, *grants: Granted) -> Client:
        """Give a client that holds the key of a new user with these grants and no other."""
        with self.context.database.write() as session:
            login = f"test-{uuid.uuid4().hex}"
            user = accounts.add_user(session, login=login, name=login, kind=UserKind.service, grants=grants)
            _, key = accounts.make_key(session, user.id, name=login)
        return Client(self.http(Authorization=f"Bearer {key}"))

    def admin_key(self) -> str:
        return admin_key_file(self.settings.data_dir).read_text().strip()

    def work(self) -> int:
        """Let the worker look at whatever waits and give how many captures that were."""
        seen = 0
        while self.worker.work_once():
            seen += 1
        return seen
