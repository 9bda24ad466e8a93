"""``python -m twisted.trial``: the command ``trial``."""

if __name__ == "__main__":
    from plait.as_twisted.legacy.trial import run

    run()
