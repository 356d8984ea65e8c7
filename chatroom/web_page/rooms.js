// The rooms of one user: channels, conversations with one person, and the server's own messages.

import { fold, isChannel } from './wire.js';

const MOST_ENTRIES = 2000;
const RANKS = '@+';

/** One room with what was said in it. */
export class Room {
  constructor(name) {
    this.name = name;
    this.key = fold(name);
    this.isChannel = isChannel(name);
    this.isIn = false;
    this.topic = '';
    this.members = new Map();
    this.entries = [];
    this.ids = new Set();
    this.unread = 0;
    this.isMentioned = false;
    this.firstUnread = null;
    this.draft = '';
    this.hasOlder = false;
    this.isAsking = false;
  }

  /** Adds an entry behind all others. False if it is here already. */
  add(entry) {
    if (entry.id && this.ids.has(entry.id)) return false;
    if (entry.id) this.ids.add(entry.id);
    this.entries.push(entry);
    if (this.entries.length > MOST_ENTRIES) this.entries.splice(0, this.entries.length - MOST_ENTRIES);
    return true;
  }

  /** Adds entries of the history at their times. Returns how many were new. */
  merge(entries) {
    const added = entries.filter((entry) => !entry.id || !this.ids.has(entry.id));
    added.forEach((entry) => entry.id && this.ids.add(entry.id));
    // The sort keeps the order of equal times.
    this.entries = [...added, ...this.entries].sort((one, other) => one.at - other.at);
    return added.length;
  }

  /** Removes a message that was deleted. */
  redact(id) {
    const entry = this.entries.find((one) => one.id === id);
    if (entry) Object.assign(entry, { kind: 'event', text: `a message of ${entry.nick} was deleted`, nick: '' });
    return entry;
  }

  /** Returns the members: operators first, then by name. */
  sorted() {
    const rank = ({ prefix }) => (prefix ? RANKS.indexOf(prefix) : RANKS.length);
    return [...this.members.values()].sort((a, b) => rank(a) - rank(b) || a.nick.localeCompare(b.nick));
  }

  /** Adds a member as NAMES shows it: behind the signs of its standing. */
  addMember(shown) {
    const [, prefix, nick] = /^([@+]*)(.*)$/.exec(shown);
    const known = this.members.get(fold(nick));
    this.members.set(fold(nick), { nick, prefix: prefix.slice(0, 1), isAway: known?.isAway ?? false });
  }

  /** Gives a member another name. False if it is not here. */
  rename(nick, to) {
    const member = this.members.get(fold(nick));
    if (!member) return false;
    this.members.delete(fold(nick));
    this.members.set(fold(to), { ...member, nick: to });
    return true;
  }

  /** Returns the names that begin so: who spoke last comes first. */
  complete(beginning, own) {
    const spoken = this.entries.map((entry) => entry.nick).reverse();
    const names = [...spoken, ...this.sorted().map((member) => member.nick)];
    const fits = names.filter((nick) => nick && nick !== own && fold(nick).startsWith(fold(beginning)));
    return [...new Set(fits)];
  }
}

/** All rooms, by their folded names, with the one in front. */
export class Rooms {
  constructor() {
    this.byKey = new Map();
    /** Rooms by the names that they had: an answer may still have the name that was asked for. */
    this.byFormerKey = new Map();
    this.server = this.get('');
    this.active = this.server;
  }

  /** Returns the room of that name, and makes it if there is none. */
  get(name) {
    const key = fold(name);
    if (!this.byKey.has(key)) this.byKey.set(key, new Room(name));
    return this.byKey.get(key);
  }

  find(name) {
    return this.byKey.get(fold(name));
  }

  /** Returns the room that has that name, or had it when the server was asked. */
  asked(name) {
    return this.find(name) ?? this.byFormerKey.get(fold(name)) ?? this.get(name);
  }

  /** Gives a room another name. Another room of that name, which the user is not in, gives way. */
  rename(room, to) {
    const namesake = this.find(to);
    this.byKey.delete(room.key);
    this.byFormerKey.set(room.key, room);
    [room.name, room.key] = [to, fold(to)];
    if (namesake && namesake !== room) {
      this.byKey.delete(namesake.key);
      if (this.active === namesake) this.active = room;
    }
    this.byKey.set(room.key, room);
  }

  /** Returns the rooms in their order: channels, people, the server. */
  sorted() {
    const rank = (room) => (room.isChannel ? 0 : room.name ? 1 : 2);
    return [...this.byKey.values()].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
  }

  /** Removes a room; the first of the others comes to the front if it was there. */
  remove(room) {
    this.byKey.delete(room.key);
    if (this.active === room) [this.active] = this.sorted();
  }

  /** Returns the rooms that a person is in. */
  with(nick) {
    return this.sorted().filter((room) => room.members.has(fold(nick)));
  }
}
