"""Who has a port, and what to do about it."""

import os
import socket

import pytest

from nextpick.errors import LocalError
from nextpick.local import ports


def test_a_taken_port_names_its_holder_and_the_setting_that_moves_us() -> None:
    with socket.socket() as holder:
        holder.bind((ports.HOST, 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(
            LocalError, match=rf"Port {port}, which the API needs, .*\(process {os.getpid()}\).*API_PORT"
        ):
            ports.require_free(port, "the API", "NEXTPICK_API_PORT")


def test_a_free_port_is_let_pass() -> None:
    ports.require_free(ports.free(), "the API", "NEXTPICK_API_PORT")
