"""TCP ports of this machine: who holds one, and which is free."""

import socket

import psutil

from nextpick.errors import LocalError

HOST = "127.0.0.1"


def free() -> int:
    """A port that nobody holds at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def require_free(port: int, what: str, setting: str) -> None:
    """Raises: LocalError naming the holder of `port` and the setting that moves `what` elsewhere."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise LocalError(
                f"Port {port}, which {what} needs, cannot be had: {_holder(port) or error.strerror}. "
                f"End that program, or set {setting} in .env to another port."
            ) from None


def _holder(port: int) -> str | None:
    """A phrase naming the process that listens on `port`, where we may see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and connection.laddr
                and connection.laddr.port == port
                and connection.pid
            ):
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid}) listens there"
    except psutil.Error:
        return None
    return None
