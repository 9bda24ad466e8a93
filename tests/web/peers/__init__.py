"""The web server against programs of others: curl, wrk, nginx, a browser, and frameworks. ``.ci/peers`` installs them."""
