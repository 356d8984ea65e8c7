"""A channel that the user is in: topic, members and their signs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from chatroom.client.people import People
from chatroom.client.server_features import ServerFeatures


@dataclass(slots=True)
class Channel:
    """One channel and its members."""

    name: str
    people: People
    """What is known of the users besides their signs."""
    topic: str = ""
    members: dict[str, str] = field(default_factory=dict)
    """Folded nick to nick."""
    prefixes: dict[str, str] = field(default_factory=dict)
    """Folded nick to its signs, for example ``@+``."""
    incoming_names: list[str] = field(default_factory=list)
    """Entries of NAMES replies (353) whose end (366) has not come yet."""
    is_listed: bool = False
    """True once the server has sent the whole list of members."""
    since: datetime | None = None
    """When the user joined, by the server's clock."""

    def remove(self, folded: str) -> bool:
        """Remove a member; False if the channel has no member of that folded nick."""
        self.prefixes.pop(folded, None)
        return self.members.pop(folded, None) is not None

    def rename(self, old_folded: str, folded: str, nick: str) -> bool:
        """Give a member another nick; False if the member is not here."""
        if self.members.pop(old_folded, None) is None:
            return False
        self.members[folded] = nick
        self.prefixes[folded] = self.prefixes.pop(old_folded, "")
        return True

    def finish_names(self, features: ServerFeatures) -> list[str]:
        """Replace the members by the entries of the NAMES reply that has ended.

        Returns the nicks, each after its highest sign; members with a sign come first.
        """
        entries, self.incoming_names = self.incoming_names, []
        self.members.clear()
        self.prefixes.clear()
        names = []
        for entry in entries:
            signs, bare = features.split_signs(entry)
            nick = bare.partition("!")[0]  # with userhost-in-names an entry is nick!user@host
            self.members[features.fold(nick)] = nick
            self.prefixes[features.fold(nick)] = signs
            names.append((not signs, features.fold(nick), signs[:1] + nick))
        return [name for _, _, name in sorted(names)]

    def apply_modes(self, modes: str, params: list[str], features: ServerFeatures) -> None:
        """Change the members' signs as a MODE with these parameters says."""
        rest = list(params)
        adding = True
        for mode in modes:
            if mode in "+-":
                adding = mode == "+"
            elif mode in features.prefixes and rest:
                folded = features.fold(rest.pop(0))
                signs = set(self.prefixes.get(folded, ""))
                (signs.add if adding else signs.discard)(features.prefixes[mode])
                self.prefixes[folded] = "".join(sign for sign in features.prefixes.values() if sign in signs)
            elif mode in features.modes_with_parameter and rest and (adding or mode != "l"):
                rest.pop(0)  # -l is the one that takes none when it is unset
