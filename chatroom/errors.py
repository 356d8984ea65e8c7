"""All exceptions that chatroom raises on purpose, as one tree.

::

    ChatroomError            str() is one clear line for the user
    ├── ConfigError          a setting or its file is wrong
    ├── StorageError         the database cannot be used
    │   ├── DatabaseMissing  there is no database at that path
    │   ├── DatabaseNewer    written by a newer chatroom
    │   ├── DatabaseOutdated older than this chatroom and not migrated yet
    │   ├── DatabaseDamaged  not a database, not one of ours, or corrupt
    │   ├── ForeignLog       the write-ahead log beside it belongs to another database
    │   ├── DatabaseBusy     another process held the write lock for too long
    │   └── DiskFull         there is no room left, or only the reserve
    ├── ServeError           the daemon cannot start, or cannot go on
    │   ├── AddressUnusable  the port is in use, or the address is not local
    │   ├── AlreadyServing   another daemon serves this database
    │   └── HandoverRefused  the chat cannot be handed over to a new daemon, or taken over
    ├── ClusterError         the other nodes of a cluster, or the Redis that they share
    │   ├── RedisUnreachable nobody knows what Redis has done, or it does nothing for us
    │   ├── NodeRuns         a node of this name runs already
    │   ├── Fenced           the other nodes have gone on without this one
    │   ├── StreamLost       Redis was restarted or emptied, and the nodes have not agreed yet on where they are
    │   └── StreamTrimmed    the next entry is not in the stream any more
    ├── Overloaded           too much waits already: a job was not done
    ├── NotRunning           no daemon answers on the control socket
    ├── KnownServersUnusable the file of the servers that the client knows cannot be used
    ├── PasswordUnavailable  a program or the keyring gives the terminal client no password
    └── Refused              the answer to a request, never logged as a fault
        ├── InvalidName      not a valid nick or account name
        ├── InvalidTarget    not a name, an address or a network
        ├── InvalidValue     any other value that does not parse
        ├── NotFound         no such account, ban, nick, channel
        ├── AlreadyExists    the name is taken
        ├── TooMany          there are as many as are allowed
        ├── WrongPassword    the credentials are wrong
        ├── WrongToken       an invite, or a token for a new password, opens nothing
        ├── NotPermitted     the role of the user does not allow it
        └── NeedsForce       the action needs a confirmation

There are no IRC numerics here: ``chatroom.commands.dispatch`` maps each refusal to its numeric.
"""


class ChatroomError(Exception):
    """Base of all exceptions that chatroom raises on purpose. ``str()`` of it is one clear line for the user."""


class ConfigError(ChatroomError):
    """A setting, or the file with the settings, is wrong. ``errors`` has every error; the text has the first one."""

    def __init__(self, *errors: str) -> None:
        count = len(errors) - 1
        more = f' (and {count} more: "chatroomctl config check" lists them)' if count else ""
        super().__init__(f"{errors[0]}{more}")
        self.errors = errors


class StorageError(ChatroomError):
    """The database cannot be used."""


class DatabaseMissing(StorageError):
    """There is no database at that path, and the caller does not create one."""


class DatabaseNewer(StorageError):
    """A newer chatroom wrote the database."""


class DatabaseOutdated(StorageError):
    """The database is older than this chatroom and was not migrated yet."""


class DatabaseDamaged(StorageError):
    """The file is not a database, not one of ours, or corrupt."""


class ForeignLog(StorageError):
    """The write-ahead log beside the database was written for another file."""


class DatabaseBusy(StorageError):
    """Another process held the write lock for longer than we wait."""


class DiskFull(StorageError):
    """There is no room left on the disk, or only what is kept for more important writes."""


class ServeError(ChatroomError):
    """The daemon cannot start, or cannot go on."""


class AddressUnusable(ServeError):
    """The port is in use, or the address is not one of this machine."""


class CertificateUnusable(ServeError):
    """A certificate or its key cannot be read, or they do not belong together."""


class AlreadyServing(ServeError):
    """Another daemon serves this database."""


class HandoverRefused(ServeError):
    """The chat cannot be handed over to a new daemon now, or the new one cannot take it over."""


class ClusterError(ChatroomError):
    """The other nodes of a cluster, or the Redis that they share, are not as this node needs them."""


class RedisUnreachable(ClusterError):
    """Redis does not answer, or refuses. What was asked of it may have been done."""


class NodeRuns(ClusterError):
    """Another process runs under this node's name."""


class Fenced(ClusterError):
    """The other nodes have gone on without this one, so its world counts no more."""


class StreamLost(ClusterError):
    """Redis was restarted or emptied. The nodes must agree on how far the stream went before they go on."""


class StreamTrimmed(ClusterError):
    """The entry that follows is not in the stream any more."""


class Overloaded(ChatroomError):
    """Too much waits already, or nobody waits for it any more: a job was not done, and nothing has changed."""


class NotRunning(ChatroomError):
    """No daemon answers on the control socket."""


class KnownServersUnusable(ChatroomError):
    """The terminal client cannot read or write the file of the servers that it knows."""


class PasswordUnavailable(ChatroomError):
    """The program that the user has named, or the keyring, does not give the terminal client a password."""


class Refused(ChatroomError):
    """The answer to a request that cannot be met.

    Any other exception that leaves a rule is a bug and is logged with its traceback.
    """


class InvalidName(Refused):
    """The text is not a valid nick or account name."""


class InvalidTarget(Refused):
    """The text is not a name, an address or a network."""


class InvalidValue(Refused):
    """Any other value that cannot be parsed."""


class NotFound(Refused):
    """There is no account, ban, nick or channel of that name."""


class AlreadyExists(Refused):
    """The name is taken."""


class TooMany(Refused):
    """There are as many already as are allowed."""


class WrongPassword(Refused):
    """The credentials are wrong."""


class WrongToken(Refused):
    """A token opens nothing: there is none like it, it is used up, or its time is over."""


class NotPermitted(Refused):
    """The role of the user does not allow it."""


class NeedsForce(Refused):
    """The action is likely to do harm and needs a confirmation. The text says what it would do."""
