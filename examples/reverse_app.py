"""The reverser as an application, for the daemon.

usage: plait run -y reverse_app.py
"""

import reverse

from plait import Application

application = Application("Reverser")
reverse.ReverserService().setServiceParent(application)
