"""canaille, set up as a test wants it and served over HTTPS by hypercorn: python serve.py SETTINGS.json

Runs on canaille's own Python, in one process: its command line would start anew, a second each, for user and client.
`settings`: what canaille's TOML would hold. `users`, `clients`: attributes of its models.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from asgiref.wsgi import WsgiToAsgi
from canaille.app import models
from canaille.backends import Backend
from canaille.hypercorn.app import create_app
from hypercorn.asyncio import serve
from hypercorn.config import Config

given = json.loads(Path(sys.argv[1]).read_text())
application = create_app(config=given["settings"], env_file=None, wrap_asgi=False)
with application.app_context(), Backend.instance.session():
    for attributes in given["users"]:
        if "secret_token" in attributes:  # it has been set up, or the first sign-in would do that
            attributes["last_otp_login"] = datetime.now(UTC)
        Backend.instance.save(models.User(**attributes))
    for attributes in given["clients"]:
        client = models.Client(**attributes, client_id_issued_at=datetime.now(UTC))
        Backend.instance.save(client)
        client.audience = [client]
        Backend.instance.save(client)

config = Config()
config.bind, config.certfile, config.keyfile = [given["bind"]], given["certificate"], given["key"]
config.errorlog, config.loglevel = "-", "INFO"
asyncio.run(serve(WsgiToAsgi(application), config))
