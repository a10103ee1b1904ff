"""The one exception that speaks to a user: a sentence that names the file and says what to do."""


class UserError(Exception):
    """A mistake that the user can mend.

    The message is one sentence: what is wrong, which file, what to do. The command line prints it
    and leaves with exit code 2; in Python it is an ordinary exception.
    """
