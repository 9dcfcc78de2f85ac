"""One provider for a module, as its start takes a second."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes.signin_server import SigninServer, signin_server
from tests.parts.certificates import Authority
from tests.parts.oidc_provider import OidcProvider, oidc_provider


@pytest.fixture(scope="session")
def ca() -> Authority:
    return Authority()


@pytest.fixture
async def provider(ca: Authority) -> AsyncIterator[OidcProvider]:
    async with oidc_provider(ca, issuer=None) as running:
        yield running


@pytest.fixture
async def server(ca: Authority) -> AsyncIterator[SigninServer]:
    """One that is right until the test says otherwise."""
    async with signin_server(ca.leaf("localhost")) as running:
        yield running
