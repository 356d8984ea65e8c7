"""Everything chatroom raises on purpose, as one tree.

::

    ChatroomError            str() is one clear line for a person
    ├── ConfigError          a setting or the file it stands in is wrong
    ├── StorageError         the database cannot be used
    │   ├── DatabaseMissing  there is none at that path
    │   ├── DatabaseNewer    written by a newer chatroom
    │   ├── DatabaseOutdated older than this chatroom, and not migrated yet
    │   ├── DatabaseDamaged  not a database, not ours, or corrupt
    │   └── DatabaseBusy     somebody else holds the write lock for too long
    ├── ServeError           the daemon cannot start
    │   ├── AddressUnusable  a port in use, an address that is not ours
    │   └── AlreadyServing   another daemon serves this database
    ├── NotRunning           no daemon answers on the control socket
    └── Refused              an answer to whoever asked, never logged as a fault
        ├── InvalidName      not a name we take
        ├── InvalidTarget    not a name, an address or a network
        ├── InvalidValue     any other value that does not parse
        ├── NotFound         no such account, ban, nick, channel
        ├── AlreadyExists    the name is taken
        ├── WrongPassword    credentials that do not hold
        ├── NotPermitted     the asker's role does not allow it
        └── NeedsForce       harm likely enough to ask twice

There are no IRC numerics here: ``chatroom.commands.dispatch`` has the one table that maps a refusal to its numeric.
"""


class ChatroomError(Exception):
    """Root of everything raised on purpose; ``str()`` of it is one clear line for a person."""


class ConfigError(ChatroomError):
    """A setting, or the file it stands in, is wrong."""


class StorageError(ChatroomError):
    """The database cannot be used."""


class DatabaseMissing(StorageError):
    """There is no database at that path, and the caller may not make one."""


class DatabaseNewer(StorageError):
    """The database was written by a newer chatroom than this one."""


class DatabaseOutdated(StorageError):
    """The database is older than this chatroom and was not migrated yet."""


class DatabaseDamaged(StorageError):
    """The file is not a database, not one of ours, or corrupt."""


class DatabaseBusy(StorageError):
    """Somebody else held the write lock for longer than we wait."""


class ServeError(ChatroomError):
    """The daemon cannot start."""


class AddressUnusable(ServeError):
    """A port is in use, or the address is not one of this machine's."""


class AlreadyServing(ServeError):
    """Another daemon serves this database."""


class NotRunning(ChatroomError):
    """No daemon answers on the control socket."""


class Refused(ChatroomError):
    """An answer to whoever asked. Anything else that escapes a rule is a bug and is logged with its traceback."""


class InvalidName(Refused):
    """Not a name that nicks and accounts may have."""


class InvalidTarget(Refused):
    """Not a name, an address or a network."""


class InvalidValue(Refused):
    """Any other value that does not parse."""


class NotFound(Refused):
    """No such account, ban, nick or channel."""


class AlreadyExists(Refused):
    """The name is taken."""


class WrongPassword(Refused):
    """The credentials do not hold."""


class NotPermitted(Refused):
    """The asker's role does not allow it."""


class NeedsForce(Refused):
    """Harm is likely enough to ask twice; the text says what would happen."""
