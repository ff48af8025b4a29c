"""Threads that give way: what moves and hashes a model's files must not take the processor from somebody's answer."""

import ctypes
import os
import sys
import threading

NICE = 10
"""On Linux, of 0 to 19: a tenth of the processor where another thread wants all of it, all of it where none does."""
QOS_CLASS_UTILITY = 0x11
"""On macOS, of <sys/qos.h>: "work the user doesn't expect to finish immediately", with a bar that shows progress."""


def give_way() -> None:
    """From here on the system gives this thread, and what it starts, less than others that want the processor."""
    if sys.platform == "linux":  # where threads have a priority of their own, whatever POSIX says: setpriority(2)
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(NICE, os.getpriority(os.PRIO_PROCESS, thread)))
    elif sys.platform == "darwin":
        ctypes.CDLL(None).pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 0)
