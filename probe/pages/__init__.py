"""What a sign-in meets in a browser: pages read into forms and facts, and what each page is. Pure; knows no provider.

    text, charset = text_of(body, content_type)          charset.py   octets to text, as a browser decides
    page = read_page(text, url, charset)                 page.py      title, forms, alerts, captchas, facts of scripts
    scene = classify(page, first, context)               classify.py  one word for what it is, and what to do
    submission(scene.form, scene.fill(values), scene.press)   form.py   the request that a browser would send

No check, no dialling and no clock: whoever drives a flow calls these and sends what comes of them.
"""
