"""One child process that opens people's files, under limits of time and memory: a hostile file harms only it."""

from sidecar.worker.picture import Bounds, Picture, PictureError
from sidecar.worker.process import Worker

__all__ = ["Bounds", "Picture", "PictureError", "Worker"]
