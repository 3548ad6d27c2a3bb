"""The pages: sign-in as plain HTML, the rest with NiceGUI."""

from fastapi import FastAPI

from api.context import Service


def add_pages(app: FastAPI, service: Service) -> None:
    """Put the console's pages into the application."""
