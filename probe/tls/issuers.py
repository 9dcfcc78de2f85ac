"""The issuer domain names (RFC 8659 section 4.2) of public CAs, as their own CAA documentation lists them.

By the organisation in the issuer's name, lower case; the first entry that it begins with. One CA goes by many names
after mergers, and a list that is too long only leaves a stranger unnoticed, while one that is too short raises a false
alarm. A CA that is not here is one of which nothing is said.
"""

_DIGICERT = (
    "digicert.com", "www.digicert.com", "digicert.ne.jp", "cybertrust.ne.jp", "symantec.com", "thawte.com",
    "geotrust.com", "rapidssl.com", "quovadisglobal.com", "verisign.com", "digitalcertvalidation.com",
)  # fmt: skip
_SECTIGO = ("sectigo.com", "comodo.com", "comodoca.com", "usertrust.com", "trust-provider.com", "zerossl.com",
            "entrust.net", "affirmtrust.com")  # fmt: skip
_GODADDY = ("godaddy.com", "starfieldtech.com")

CAA_NAMES: dict[str, tuple[str, ...]] = {
    "let's encrypt": ("letsencrypt.org",),
    "internet security research group": ("letsencrypt.org",),
    "google trust services": ("pki.goog", "google.com"),
    "digicert": _DIGICERT,
    "geotrust": _DIGICERT,
    "thawte": _DIGICERT,
    "rapidssl": _DIGICERT,
    "symantec": _DIGICERT,
    "quovadis": _DIGICERT,
    "cloudflare": (*_DIGICERT, "cloudflare.com"),
    "microsoft": ("microsoft.com", *_DIGICERT),
    "amazon": ("amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com", "aws.amazon.com"),
    "sectigo": _SECTIGO,
    "comodo": _SECTIGO,
    "the usertrust network": _SECTIGO,
    "zerossl": _SECTIGO,
    "gandi": _SECTIGO,
    "geant": (*_SECTIGO, "harica.gr"),
    "globalsign": ("globalsign.com",),
    "godaddy.com": _GODADDY,
    "starfield": _GODADDY,
    "entrust": ("entrust.net", "affirmtrust.com", "ssl.com", "sectigo.com"),
    "ssl corp": ("ssl.com",),
    "buypass": ("buypass.com", "buypass.no"),
    "asseco data systems": ("certum.pl", "certum.eu", "unizeto.pl", "asseco.pl"),
    "unizeto": ("certum.pl", "certum.eu", "unizeto.pl"),
    "actalis": ("actalis.it",),
    "hellenic academic and research": ("harica.gr",),
    "identrust": ("identrust.com",),
    "swisssign": ("swisssign.com", "swisssign.net", "swisssign.li", "swisssign.ch"),
    "telia": ("telia.com", "telia.fi", "telia.se", "trust.telia.com"),
    "d-trust": ("d-trust.net", "dtrust.de", "d-trust.de"),
    "deutsche telekom": ("telesec.de", "pki.dfn.de", "dfn.de"),
    "apple": ("pki.apple.com", *_DIGICERT),
    "trustasia": ("trustasia.com",),
    "emudhra": ("emsign.com",),
}


def caa_names(organisation: str) -> tuple[str, ...] | None:
    """The issuer domain names of a CA by its organisation; None where it is not known."""
    lowered = organisation.lower()
    return next((names for begin, names in CAA_NAMES.items() if lowered.startswith(begin)), None)
