"""Pages in the manner of many providers: what each is, which form, which fields, which button."""

from pathlib import Path

import pytest

from probe.pages.classify import classify
from probe.pages.page import Page, read_page
from probe.pages.scene import LEADS_ON, MEANING, Context, Scene, Word
from probe.pages.submission import submission

HTML = Path(__file__).parent / "html"
URL = "https://sso.example/path/page?x=1"
ALL_MEANS = frozenset({"totp", "otp"})


def page(name: str) -> Page:
    return read_page((HTML / f"{name}.html").read_text(), URL)


def seen(name: str, *, first: str | None = None, **context: object) -> Scene:
    """The scene of a page; `first` is the flow's first page, and the one that was submitted."""
    before = page(first) if first is not None else None
    given: dict[str, object] = {"means": ALL_MEANS, "previous": before, **context}
    return classify(page(name), before, Context(**given))  # type: ignore[arg-type]


IP = ("identifier_password",)

# page, word, identifier, password, label of the button pressed
ASKING = [
    ("themed_login", "identifier_password", "username", "password", "Sign In"),
    ("hosted_identifier", "identifier", "username", None, "Continue"),
    ("hosted_password", "password", None, "password", "Continue"),
    ("vendor_identifier", "identifier", "loginfmt", None, "Next"),
    ("federation_login", "identifier_password", "UserName", "Password", None),
    ("framework_snake_login", "identifier_password", "username", "password", "Log in"),
    ("framework_gem_login", "identifier_password", "user[email]", "user[password]", "Log in"),
    ("framework_dotnet_login", "identifier_password", "Input.Username", "Input.Password", "Login"),
    ("framework_java_faces", "identifier_password", "loginForm:username", "loginForm:password", "Login"),
    ("go_login_name", "identifier", "loginName", None, "Next"),
    ("go_password", "password", None, "password", "Next"),
    ("go_two_methods", "identifier_password", "identifier", "password", "Sign in"),
    ("library_login", "identifier_password", "login", "password", "Sign-in"),
    ("forum_login", "identifier_password", "username", "password", "Login"),
    ("campus_login", "identifier_password", "username", "password", "Login"),
    ("federated_login", "identifier_password", "j_username", "j_password", "Login"),
    ("manager_tokens", "identifier_password", "IDToken1", "IDToken2", "Log In"),
    ("cloud_twice", "identifier_password", "username", "password", "Sign in"),
    ("crm_login", "identifier_password", "username", "pw", "Log In"),
    ("blog_login", "identifier_password", "log", "pwd", "Log In"),
    ("shop_login_and_register", "identifier_password", "username", "password", "Log in"),
    ("badge_login", "identifier_password", "email", "password", "Log in"),
    ("de_login", "identifier_password", "f1", "f2", "Anmelden"),
    ("fr_login", "identifier_password", "f1", "f2", "Se connecter"),
    ("ja_login", "identifier_password", "f1", "f2", "ログイン"),
]


@pytest.mark.parametrize(("name", "word", "identifier", "password", "label"), ASKING, ids=[row[0] for row in ASKING])
def test_forms_that_ask(name: str, word: str, identifier: str | None, password: str | None, label: str | None) -> None:
    scene = seen(name)
    assert (scene.word, scene.fields.get("identifier"), scene.fields.get("password")) == (word, identifier, password)
    assert (scene.press.label if scene.press else None) == label
    assert scene.leads_on
    assert scene.alerts == ()


# page, the page before it, what was submitted, the word
AFTER: list[tuple[str, str | None, tuple[Word, ...], str]] = [
    ("themed_bad_password", "themed_login", ("identifier_password",), "bad_credentials"),
    ("themed_login", "themed_login", ("identifier_password",), "bad_credentials"),
    ("themed_otp", "themed_login", ("identifier_password",), "totp"),
    ("name_above_code", "themed_login", ("identifier_password",), "totp"),
    ("unknown_decision", "themed_login", ("identifier_password",), "required_action"),
    ("unknown_decision", None, (), "unexpected"),
    ("zh_unknown_words", "themed_login", ("identifier_password",), "required_action"),
    ("enrol_with_name", "themed_login", ("identifier_password",), "required_action"),
    ("old_password", "themed_login", ("identifier_password",), "required_action"),
    ("key_first", "themed_login", ("identifier_password",), "factor_choice"),
    ("key_first", "themed_login", ("identifier_password", "factor_choice"), "mfa_required"),
    ("clickable_list", "themed_login", ("identifier_password", "factor_choice"), "factor_choice"),
    ("profile_to_activate", "themed_login", ("identifier_password",), "required_action"),
    ("themed_update_password", "themed_login", ("identifier_password",), "required_action"),
    ("themed_verify_email", "themed_login", ("identifier_password",), "required_action"),
    ("themed_enrol_totp", "themed_login", ("identifier_password",), "required_action"),
    ("themed_terms", "themed_login", ("identifier_password",), "required_action"),
    ("themed_consent", "themed_login", ("identifier_password",), "consent"),
    ("themed_error", None, (), "idp_error"),
    ("hosted_password", "hosted_identifier", ("identifier",), "password"),
    ("hosted_identifier", "hosted_identifier", ("identifier",), "unknown_identifier"),
    ("hosted_bad_password", "hosted_password", ("identifier", "password"), "bad_credentials"),
    ("hosted_captcha", "hosted_identifier", ("identifier",), "captcha"),
    ("hosted_consent", "hosted_password", ("identifier", "password"), "consent"),
    ("hosted_blocked", "hosted_password", ("identifier", "password"), "locked"),
    ("hosted_mfa_sms", "hosted_password", ("identifier", "password"), "factor_choice"),
    ("hosted_mfa_push", "hosted_password", ("identifier", "password"), "mfa_required"),
    ("hosted_mfa_choice", "hosted_password", ("identifier", "password"), "factor_choice"),
    ("hosted_passkey_offer", "hosted_password", ("identifier", "password"), "offer"),
    ("vendor_script_only", None, (), "needs_browser"),
    ("vendor_stay", "vendor_identifier", ("identifier", "password"), "offer"),
    ("federation_handover", "federation_login", ("identifier_password",), "auto_post"),
    ("framework_snake_bad", "framework_snake_login", ("identifier_password",), "bad_credentials"),
    ("framework_gem_bad", "framework_gem_login", ("identifier_password",), "bad_credentials"),
    ("framework_gem_locked", "framework_gem_login", ("identifier_password",), "locked"),
    ("framework_gem_otp", "framework_gem_login", ("identifier_password",), "totp"),
    ("framework_spring_consent", "library_login", ("identifier_password",), "consent"),
    ("go_grant_scopes", "library_login", ("identifier_password",), "consent"),
    ("go_two_forms_consent", "library_login", ("identifier_password",), "consent"),
    ("go_script_only", None, (), "needs_browser"),
    ("library_consent", "library_login", ("identifier_password",), "consent"),
    ("three_buttons", "de_login", ("identifier_password",), "consent"),
    ("forum_bad", "forum_login", ("identifier_password",), "bad_credentials"),
    ("forum_captcha", None, (), "captcha"),
    ("campus_bad", "campus_login", ("identifier_password",), "bad_credentials"),
    ("campus_locked", "campus_login", ("identifier_password",), "locked"),
    ("federated_release", "federated_login", ("identifier_password",), "consent"),
    ("saml_handover", "federated_login", ("identifier_password",), "auto_post"),
    ("form_post", "federated_login", ("identifier_password",), "auto_post"),
    ("bank_boxes", "library_login", ("identifier_password",), "otp"),
    ("bank_boxes", "bank_boxes", ("identifier_password", "otp"), "bad_otp"),
    ("turnstile_login", None, (), "captcha"),
    ("badge_login", "badge_login", ("identifier_password",), "captcha"),
    ("script_form", None, (), "needs_browser"),
    ("get_form", None, (), "needs_browser"),
    ("refresh", "library_login", ("identifier_password",), "meta_refresh"),
    ("script_redirect", "library_login", ("identifier_password",), "meta_refresh"),
    ("challenge", None, (), "bot_wall"),
    ("throttled", None, (), "throttled"),
    ("server_error", None, (), "idp_error"),
    ("portal", "library_login", ("identifier_password",), "unexpected"),
    ("de_bad", "de_login", ("identifier_password",), "bad_credentials"),
    ("ja_bad", "ja_login", ("identifier_password",), "bad_credentials"),
    ("ja_consent", "ja_login", ("identifier_password",), "consent"),
    ("zh_consent", "ja_login", ("identifier_password",), "consent"),
    ("fr_locked", "fr_login", ("identifier_password",), "locked"),
    ("es_otp", "library_login", ("identifier_password",), "totp"),
    ("it_consent", "library_login", ("identifier_password",), "consent"),
    ("pt_throttled", "library_login", ("identifier_password",), "throttled"),
]


@pytest.mark.parametrize(("name", "first", "submitted", "word"), AFTER, ids=[f"{row[0]}-{row[3]}" for row in AFTER])
def test_what_comes_after(name: str, first: str | None, submitted: tuple[Word, ...], word: str) -> None:
    scene = seen(name, first=first, submitted=submitted)
    assert scene.word == word, scene
    assert scene.evidence


PRESSED = [
    ("themed_consent", "Yes"),
    ("hosted_consent", "Accept"),
    ("hosted_mfa_choice", "Google Authenticator or similar"),
    ("hosted_passkey_offer", "Continue without passkeys"),
    ("framework_spring_consent", "Submit Consent"),
    ("go_grant_scopes", "Allow access"),
    ("go_two_forms_consent", "Grant Access"),
    ("library_consent", "Continue"),
    ("three_buttons", "Zulassen"),
    ("federated_release", "Accept"),
    ("bank_boxes", "Verify"),
    ("es_otp", "Verificar"),
    ("ja_consent", "許可する"),
    ("zh_consent", "接受"),
    ("it_consent", "Consenti"),
]


@pytest.mark.parametrize(("name", "label"), PRESSED, ids=[row[0] for row in PRESSED])
def test_which_button_is_pressed(name: str, label: str) -> None:
    scene = seen(name, first="library_login", submitted=IP)
    assert scene.press is not None
    assert scene.press.label == label


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("themed_logout", "Logout"),
        ("library_logout", "Yes, sign me out"),
        ("nl_logout", "Ja, uitloggen"),
        ("portal", "Log out"),
    ],
)
def test_logout(name: str, label: str) -> None:
    scene = seen(name, first="library_login", submitted=IP, leaving=True)
    assert scene.word == "logout_confirm"
    assert scene.press is not None
    assert scene.press.label == label


def test_every_page_is_looked_at() -> None:
    rows: set[str] = (
        {row[0] for row in ASKING} | {row[0] for row in AFTER} | {"themed_logout", "library_logout", "nl_logout"}
    )
    assert rows == {path.stem for path in HTML.glob("*.html")}


def test_every_word_has_a_meaning() -> None:
    assert set(MEANING) == set(Word.__args__)  # type: ignore[attr-defined]
    assert set(MEANING) >= LEADS_ON


def test_scopes_are_ticked_and_remember_is_left_alone() -> None:
    scene = seen("go_grant_scopes", first="library_login", submitted=IP)
    assert scene.form is not None
    sent = submission(scene.form, scene.fill({}), scene.press)
    assert sent.body == b"challenge=ch&grant_scope=openid&grant_scope=offline&submit=Allow+access"


def test_a_code_is_spread_over_its_boxes() -> None:
    scene = seen("bank_boxes", first="library_login", submitted=IP)
    assert scene.form is not None
    sent = submission(scene.form, scene.fill({"otp": "123456", "password": "never"}), scene.press)
    assert sent.body == b"tx=1&" + b"&".join(b"digit-%d=%d" % (n, n) for n in range(1, 7))
    assert sent.url == "https://sso.example/otp"


def test_hidden_inputs_and_the_pressed_button_go_along() -> None:
    scene = seen("go_two_methods")
    assert scene.form is not None
    sent = submission(scene.form, scene.fill({"identifier": "synthetic", "password": "p w"}), scene.press)
    assert sent.body == b"csrf_token=tok%3D%3D&identifier=synthetic&password=p+w&method=password"
    assert sent.url == "https://id.example/self-service/login?flow=f-1"


def test_status_and_wall_come_first() -> None:
    assert seen("themed_login", status=429).word == "throttled"
    assert seen("themed_login", status=502).word == "idp_error"
    assert seen("themed_login", status=401).word == "identifier_password"
    assert seen("themed_login", wall="cloudflare").word == "bot_wall"


def test_an_alert_of_the_first_rendering_is_none() -> None:
    """A box that stands in every page says nothing of the password."""
    text = (
        (HTML / "themed_login.html").read_text().replace("</h1>", '</h1><div role="alert">Invalid login? Ask us.</div>')
    )
    first = read_page(text, URL)
    later = read_page(text.replace("Sign in to your account", "Sign in"), URL)
    assert classify(first, None, Context()).alerts == ()
    assert classify(first, None, Context()).word == "identifier_password"
    again = classify(later, first, Context(submitted=IP, previous=first))
    assert again.alerts == ()
    assert again.word == "bad_credentials"
    assert "nothing says why" in again.evidence[0]


@pytest.mark.parametrize(
    ("html", "submitted", "word", "presses"),
    [
        # a passkey or a code comes first; the password is another way
        (
            "<h1>Use your passkey</h1><a href=/f>Forgot your password?</a><a href=/pw>Use your password instead</a>",
            ("identifier",),
            "factor_choice",
            "/pw",
        ),
        (
            "<p>Enter the code we texted you<form method=post><input name=code><button>Verify</button>"
            "<button name=m value=p>Use password instead</button></form>",
            ("identifier",),
            "factor_choice",
            "Use password instead",
        ),
        (
            "<h1>Verify it's you</h1><p>We texted you a code<form method=post><input name=code>"
            "<button>Verify</button></form><a href=/t>Use an authenticator app</a>",
            ("identifier", "password"),
            "factor_choice",
            "/t",
        ),
        # a place in the page is no offer; a consent with "Not now" is one no more than that
        (
            "<a href='#main'>Skip to main content</a><h1>web wants access to your account</h1>"
            "<form method=post><button>Not now</button><button>Allow</button></form>",
            ("identifier_password",),
            "consent",
            "Allow",
        ),
        (
            "<h1>Stay signed in?</h1><form method=post><button name=a value=1>Yes</button>"
            "<button name=a value=0>No</button></form>",
            ("identifier_password",),
            "offer",
            "No",
        ),
        (
            "<h1>Set up two-step verification</h1><form method=post><button>Set up</button>"
            "<button>Skip for now</button></form>",
            ("identifier_password",),
            "offer",
            "Skip for now",
        ),
        # without its form a refusal has to be said of what was sent
        ("<div class=error>The request you made is invalid</div>", ("identifier",), "idp_error", None),
        (
            "<div class=error>Invalid username or password</div><a href=/>Back</a>",
            ("identifier_password",),
            "bad_credentials",
            None,
        ),
        # banners and registrations are left alone
        (
            "<form action=/c><button>Accept all cookies</button></form><h1>Sign in</h1><form method=post>"
            "<input name=u><input name=p type=password><button>Log in</button></form>",
            (),
            "identifier_password",
            "Log in",
        ),
        (
            "<h1>Log in</h1><form method=post><input name=email type=email>"
            "<button name=w value=google>Continue with Google</button><button name=w value=mail>Continue"
            "</button></form><form method=post action=/news><input name=email type=email><button>Subscribe"
            "</button></form>",
            (),
            "identifier",
            "Continue",
        ),
        (
            "<form method=post><input name=u><input name=p type=password><button name=w value=b>Scan badge</button>"
            "<button>Log in</button><div class=h-captcha data-sitekey=k data-size=invisible></div></form>",
            (),
            "identifier_password",
            "Log in",
        ),
        (
            "<h1>web wants access</h1><form method=post><button>Don't allow</button><button>Allow</button></form>",
            ("identifier_password",),
            "consent",
            "Allow",
        ),
        # the code goes with Verify, whatever stands before it
        (
            "<p>Check your e-mail<form method=post><input name=otp><button name=a value=1>Send another code"
            "</button><button name=a value=2>Verify</button></form>",
            ("identifier_password",),
            "otp",
            "Verify",
        ),
    ],
)
def test_smaller_traps(html: str, submitted: tuple[Word, ...], word: str, presses: str | None) -> None:
    first = read_page("<h1>First</h1>", URL)
    scene = classify(read_page(html, URL), first, Context(submitted=submitted, means=ALL_MEANS, previous=first))
    done = scene.press.label if scene.press else scene.follow and scene.follow.removeprefix("https://sso.example")
    assert (scene.word, done) == (word, presses), scene


def test_without_means_a_code_is_a_second_factor_that_cannot_be_given() -> None:
    scene = seen("framework_gem_otp", first="framework_gem_login", submitted=IP, means=frozenset({"otp"}))
    assert scene.word == "mfa_required"
    assert "authenticator" in " ".join(scene.evidence)


@pytest.mark.parametrize(
    ("name", "what"),
    [("profile_to_activate", "wants the profile completed"), ("themed_verify_email", "wants the address confirmed")],
)
def test_a_heading_says_what_is_wanted_before_an_alert_says_what_for(name: str, what: str) -> None:
    scene = seen(name, first="themed_login", submitted=IP)
    assert scene.word == "required_action"
    assert scene.evidence[0] == what


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("https://sso.example/act?execution=TERMS_AND_CONDITIONS", "required_action"),
        ("https://sso.example/account/changePassword", "required_action"),
        ("https://sso.example/oauth2/consent?run=8", "consent"),
        ("https://sso.example/step?next=/oauth2/consent", "required_action"),
    ],
)
def test_an_address_tells_what_a_page_of_no_known_language_is(address: str, word: str) -> None:
    found = read_page((HTML / "unknown_decision.html").read_text(), address)
    first = page("themed_login")
    assert classify(found, first, Context(submitted=IP, previous=first)).word == word


@pytest.mark.parametrize(
    ("address", "word", "label"),
    [
        ("https://sso.example/oauth2/consent?run=8", "consent", "好"),
        ("https://sso.example/terms?run=8", "required_action", None),
    ],
)
def test_values_tell_which_button_allows_where_the_labels_are_no_words_that_are_known(
    address: str, word: str, label: str | None
) -> None:
    found = read_page((HTML / "zh_unknown_words.html").read_text(), address)
    first = page("themed_login")
    scene = classify(found, first, Context(submitted=IP, previous=first))
    assert (scene.word, scene.press.label if scene.press else None) == (word, label), scene


def test_what_a_script_sends_when_it_is_clicked_is_sent_as_by_a_button() -> None:
    scene = seen("key_first", first="themed_login", submitted=IP)
    assert scene.form is not None
    assert submission(scene.form, scene.fill({}), scene.press).body == b"list=1"
    scene = seen("clickable_list", first="themed_login", submitted=(*IP, "factor_choice"))
    assert scene.form is not None
    assert submission(scene.form, scene.fill({}), scene.press).body == b"way=a-2"


def test_no_other_way_is_looked_for_without_means() -> None:
    assert seen("key_first", first="themed_login", submitted=IP, means=frozenset()).word == "mfa_required"
