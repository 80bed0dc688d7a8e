"""Unit tests reach nothing: a socket opened by accident fails the test that opened it."""

from collections.abc import Iterator

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    disable_socket()
    yield
    enable_socket()
