"""Why somebody does not come in.

::

    LoginFailed                     nobody comes in with these credentials, now
    ├── UnauthorizedLogin           they are wrong (an Unauthorized, too)
    ├── UnhandledCredentials        no checker knows credentials of this kind
    └── LoginDenied                 they may be right, and yet: not now, not from here
    Unauthorized                    somebody is known, and may not do this

Only the program sees the message of such an error. Tell the peer no more than that it has failed: whether a user exists,
and what was wrong, is nobody's business out there.
"""

from __future__ import annotations

__all__ = ["LoginDenied", "LoginFailed", "Unauthorized", "UnauthorizedLogin", "UnhandledCredentials"]


class Unauthorized(Exception):
    """Somebody may not do what was asked for."""


class LoginFailed(Exception):
    """A login has failed."""


class UnauthorizedLogin(LoginFailed, Unauthorized):
    """The credentials are wrong: an unknown user or a wrong password, and which of them is not said."""


class UnhandledCredentials(LoginFailed):
    """There is no checker for this kind of credentials."""


class LoginDenied(LoginFailed):
    """The credentials were not even looked at, or do not help: too many failures, too busy, an account that is closed."""
