"""One child process that opens people's files, under limits of time and memory: a hostile file harms only it."""

from sidecar.worker.pictures import PictureError
from sidecar.worker.process import Picture, Worker

__all__ = ["Picture", "PictureError", "Worker"]
