"""What a logout that works may look like, and a provider that has none."""

from pathlib import Path

import pytest

from tests.fakes.signin_server import DISCOVERY, USER, Asked, Said, SigninServer, as_json, page, to
from tests.parts.certificates import Authority
from tests.probe.signin.flows import check_of, run, spec_of, told, tools_at

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("status", [404, 403, 401])
async def test_a_logout_may_lead_to_a_page_that_is_not_there(
    status: int, server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    def bye(asked: Asked) -> Said:
        server.session = False
        return to("/")

    server.answers.update({"/bye": bye, "/": lambda asked: page("<title>Nothing here</title>", status)})
    found = await run(check_of(spec_of(server)), tools_at(ca, tmp_path))
    assert told(found)[-2:] == [("logout", None), ("session", None)]


async def test_such_a_page_is_no_proof(server: SigninServer, ca: Authority, tmp_path: Path) -> None:
    server.answers["/bye"] = lambda asked: to("/")
    found = await run(check_of(spec_of(server)), tools_at(ca, tmp_path))
    assert ("session", "session_survived_logout") in told(found)


async def test_an_endpoint_that_refuses_has_logged_nobody_out(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    server.answers["/bye"] = lambda asked: page("<title>Bad request</title>", 400)
    found = await run(check_of(spec_of(server)), tools_at(ca, tmp_path))
    assert ("logout", "session_logout_failed") in told(found)


async def test_where_there_is_no_logout_nothing_is_tidied_either(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    def document(asked: Asked) -> Said:
        said = server.document()
        return as_json({key: said[key] for key in said if key not in ("revocation_endpoint", "end_session_endpoint")})

    server.answers[DISCOVERY] = document
    tools = tools_at(ca, tmp_path)
    assert told(await run(check_of(spec_of(server)), tools))[-1] == ("logout", "session_no_logout")
    found = await run(check_of(spec_of(server, leave_out=["logout"]), name="other"), tools)
    assert told(found)[-1] == ("refresh", None)


async def test_tokens_that_cannot_be_revoked_leave_nothing_to_do(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    def document(asked: Asked) -> Said:
        said = server.document()
        del said["revocation_endpoint"]
        return as_json(said)

    server.answers[DISCOVERY] = document
    server.answers["/me"] = lambda asked: as_json(
        {"sub": USER} if server.session else {}, 200 if server.session else 401
    )
    found = await run(check_of(spec_of(server)), tools_at(ca, tmp_path))
    assert told(found)[-1] == ("session", None)


async def test_a_public_client_may_be_let_to_revoke_nothing_without_a_word(
    server: SigninServer, ca: Authority, tmp_path: Path
) -> None:
    def bye(asked: Asked) -> Said:
        server.session, server.live = False, set()
        return page("<title>Signed out</title>")

    server.answers.update({"/revoke": lambda asked: Said(401), "/bye": bye})
    found = await run(check_of(spec_of(server)), tools_at(ca, tmp_path))
    assert told(found)[-2:] == [("logout", None), ("session", None)]
    logout = next(each for each in found if each.subject == "logout")
    assert logout.findings["revocation"] == {"refresh_token": 401, "access_token": 401}
