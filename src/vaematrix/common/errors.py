"""The one exception that speaks to the person at the terminal."""


class UserError(Exception):
    """Something the user can mend: the message names the file or key, the value and the fix.

    Scripts print it as it is, without a traceback (see :mod:`vaematrix.common.console`).
    """
