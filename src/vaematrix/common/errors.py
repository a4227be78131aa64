"""The exceptions that speak to the person at the terminal."""


class UserError(Exception):
    """Something the user can mend: the message names the file or key, the value and the fix.

    Scripts print it as it is, without a traceback (see :mod:`vaematrix.common.console`).
    """


class PassingError(UserError):
    """One that another attempt may not meet: it is of this machine at this moment, such as a full disk."""


class Interrupted(PassingError):
    """The process was asked to stop, or its walltime is nearly over; what it had done is saved."""


def shown(name: object) -> str:
    """A name from outside as one line of a message: line breaks and terminal codes are written as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(name))
