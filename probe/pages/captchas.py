"""Captcha widgets by their marks: vendors as data. Pure.

A script of a vendor alone says little, as many operators load it into every page; it counts as an invisible one.
"""

from probe.pages.facts import Captcha
from probe.pages.markup import Attributes

CLASSES = {
    "g-recaptcha": "recaptcha",
    "h-captcha": "hcaptcha",
    "cf-turnstile": "turnstile",
    "frc-captcha": "friendlycaptcha",
    "smart-captcha": "yandex",
    "geetest_holder": "geetest",
    "geetest_captcha": "geetest",
    "mtcaptcha": "mtcaptcha",
    "capy-captcha": "capy",
}
ELEMENTS = {"altcha-widget": "altcha", "mcaptcha-widget": "mcaptcha", "cap-widget": "cap"}
SOURCES = {
    "recaptcha/api": "recaptcha",
    "recaptcha/enterprise": "recaptcha",
    "recaptcha.net/": "recaptcha",
    "hcaptcha.com/": "hcaptcha",
    "challenges.cloudflare.com/turnstile": "turnstile",
    "arkoselabs.com/": "arkose",
    "funcaptcha.": "arkose",
    "geetest.com/": "geetest",
    "friendlycaptcha": "friendlycaptcha",
    "friendly-challenge": "friendlycaptcha",
    "smartcaptcha.yandexcloud": "yandex",
    "captcha.awswaf.com/": "aws-waf",
    "captcha-delivery.com/": "datadome",
    "mtcaptcha.com/": "mtcaptcha",
}
KEYS = ("sitekey", "site-key", "captcha-key")
"""An attribute that ends so makes any element a widget."""
ANSWERS = ("g-recaptcha-response", "h-captcha-response", "cf-turnstile-response", "frc-captcha-solution", "altcha")
"""Fields that a widget's script fills."""


def source_vendor(url: str) -> str | None:
    """Whose captcha a script or frame at this URL is."""
    lowered = url.lower()
    return next((vendor for part, vendor in SOURCES.items() if part in lowered), None)


def widget(name: str, attributes: Attributes, *, shown: bool) -> Captcha | None:
    """The widget that this element is, if it is one. One bound to a button, of size invisible, or shown only on demand
    is invisible."""
    vendor = ELEMENTS.get(name)
    classes = attributes.get("class")
    if vendor is None and classes:
        lowered = classes.lower()
        if "captcha" in lowered or "turnstile" in lowered or "geetest" in lowered:
            vendor = next((CLASSES[one] for one in lowered.split() if one in CLASSES), None)
    if vendor is None:
        for attribute in attributes:
            if "key" in attribute and attribute.endswith(KEYS):
                break
        else:
            return None
        told = " ".join(attributes.values()).lower()
        vendor = next((one for one in dict.fromkeys(CLASSES.values()) if one in told), "unknown")
    on_demand = attributes.get("data-size", "").lower() == "invisible" or attributes.get(
        "data-appearance", ""
    ).lower() in ("interaction-only", "execute")
    return Captcha(vendor=vendor, visible=shown and not on_demand and name not in ("button", "input", "script", "form"))
