"""The application for a WSGI server: `granian --interface wsgi trellis.wsgi:application`."""

from trellis.app import create_app
from trellis.config import load_settings

application = create_app(load_settings())
