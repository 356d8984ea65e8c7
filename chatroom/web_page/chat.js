// The chat: applies the server's messages to the rooms, and sends what the user says.

import { Rooms } from './rooms.js';
import { toPlain } from './text.js';
import { fold, format, isChannel, split } from './wire.js';

const PAGE = 50;
const LINE_BYTES = 400;
const ABOUT_SERVER = /^(00\d|25\d|26\d|37\d|422)$/;
const ENDS = /^(315|318|366|323|331|333|329|396|221)$/;

/** One user's chat. `view` shows it: `entry(room, entry)`, `room(room)`, `list()`, `people(room)`, `front()`. */
export class Chat {
  constructor(link, view) {
    this.link = link;
    this.view = view;
    this.rooms = new Rooms();
    this.network = '';
    this.batches = new Map();
    this.unsaid = [];
    /** What the user wants to see as soon as it is there, by folded name. */
    this.wanted = new Map();
    /** Takes the answers to LIST, REGISTER and AUTHENTICATE, while a dialog is open. */
    this.listener = null;
  }

  // -- what the user does ---------------------------------------------------------------------------

  /** Says a text in a room: one message, whatever its length, if the server knows those of several lines. */
  say(room, text, wrap = (line) => line) {
    const parts = text.split(/\r?\n/).flatMap((line) => split(line, LINE_BYTES).map((part, index) => [part, index > 0]));
    const value = this.link.caps.get('draft/multiline');
    if (parts.length > 1 && value !== undefined) {
      const most = Number(/max-lines=(\d+)/.exec(value)?.[1] ?? 20);
      const bytes = Number(/max-bytes=(\d+)/.exec(value)?.[1] ?? 4096);
      const size = Math.max(1, Math.min(most, Math.floor(bytes / (LINE_BYTES + 2))));
      for (let at = 0; at < parts.length; at += size) this.sayTogether(room, parts.slice(at, at + size));
    } else {
      for (const [part] of parts) if (part) this.link.send('PRIVMSG', room.name, wrap(part));
    }
    if (!this.link.caps.has('echo-message')) this.addOwn(room, text);
    else this.unsaid.push({ key: room.key, text });
  }

  sayTogether(room, parts) {
    const lines = parts.map(([part, isRest]) => {
      const tags = isRest ? '@batch=m;draft/multiline-concat' : '@batch=m';
      return `${tags} PRIVMSG ${room.name} :${part}`;
    });
    this.link.sendLines([format('BATCH', '+m', 'draft/multiline', room.name), ...lines, format('BATCH', '-m')]);
  }

  addOwn(room, text) {
    this.add(room, { kind: 'said', nick: this.link.nick, text, at: new Date(), isOwn: true });
  }

  /** Opens a room: joins a channel, or begins a conversation. */
  open(name) {
    const room = this.rooms.find(name);
    if (room && (room.isIn || !room.isChannel)) this.show(room);
    else if (isChannel(name)) {
      this.wanted.set(fold(name), name);
      this.link.send('JOIN', name);
    } else {
      const made = this.rooms.get(name);
      if (this.link.account) this.ask(made, 'LATEST', '*');
      this.show(made);
    }
  }

  /** Brings a room to the front. */
  show(room) {
    this.rooms.active = room;
    room.unread = 0;
    room.isMentioned = false;
    this.view.front();
    room.firstUnread = null;
  }

  /** Leaves a room. */
  leave(room) {
    if (room.isChannel && room.isIn) this.link.send('PART', room.name);
    else if (room.name) {
      this.rooms.remove(room);
      this.show(this.rooms.active);
    }
  }

  /** Asks for messages before the first one of a room. */
  older(room) {
    const first = room.entries.find((entry) => entry.id);
    if (first && room.hasOlder && !room.isAsking) this.ask(room, 'BEFORE', `msgid=${first.id}`);
  }

  ask(room, how, bound) {
    if (!this.link.caps.has('draft/chathistory')) return;
    room.isAsking = true;
    this.link.send('CHATHISTORY', how, room.name, bound, String(PAGE));
  }

  // -- what the link reports ------------------------------------------------------------------------

  /** The user is connected: joins the channels anew that a lost connection has left. */
  ready() {
    this.batches.clear();
    for (const room of this.rooms.sorted()) {
      room.isAsking = false;
      if (room.isIn) {
        room.isIn = false;
        this.link.send('JOIN', room.name);
      }
    }
    for (const name of this.wanted.values()) this.link.send('JOIN', name);
    this.view.list();
  }

  /** The connection is lost: what the server has not repeated may not have been said. */
  lost() {
    for (const { key, text } of this.unsaid) this.inform(`Perhaps not sent: ${text}`, 'error', this.rooms.get(key));
    this.unsaid = [];
  }

  /** Takes a message of the server. */
  take(message) {
    const batch = this.batches.get(message.tags.batch);
    if (message.verb === 'BATCH') this.takeBatch(message);
    else if (batch) batch.messages.push(message);
    else this.apply(message);
  }

  takeBatch(message) {
    const [reference, type, target] = message.params;
    if (reference.startsWith('+')) {
      this.batches.set(reference.slice(1), { type, target, message, messages: [] });
      return;
    }
    const batch = this.batches.get(reference.slice(1));
    this.batches.delete(reference.slice(1));
    if (!batch || (batch.type === 'draft/multiline' && !batch.messages.length)) return;
    let { messages } = batch;
    if (batch.type === 'draft/multiline') messages = [together(batch)];
    const outer = this.batches.get(batch.message.tags.batch);
    if (outer) outer.messages.push(...messages);
    else if (batch.type === 'chathistory') this.takeHistory(batch.target, messages);
    else messages.forEach((one) => this.apply(one));
  }

  takeHistory(target, messages) {
    const room = this.rooms.asked(target);
    const entries = messages.map((message) => this.toEntry(message)).filter(Boolean);
    room.hasOlder = room.merge(entries) > 0 && messages.length >= PAGE;
    room.isAsking = false;
    this.view.room(room);
  }

  /** Returns the entry of a PRIVMSG or NOTICE, or null if there is nothing to show. */
  toEntry({ verb, nick, params, tags }) {
    if (verb !== 'PRIVMSG' && verb !== 'NOTICE') return null;
    let [, text] = params;
    let kind = verb === 'NOTICE' ? 'notice' : 'said';
    const control = /^\x01(\S+) ?(.*?)\x01?$/s.exec(text);
    if (control && control[1] !== 'ACTION') return null;
    if (control) [kind, text] = ['action', control[2]];
    const isOwn = nick === this.link.nick;
    const at = tags.time ? new Date(tags.time) : new Date();
    return { kind, nick, text, at, id: tags.msgid, isOwn, isMention: !isOwn && mentions(text, this.link.nick) };
  }

  /** Adds an entry to a room and shows it. */
  add(room, entry) {
    if (!room.add(entry)) return;
    const isMessage = entry.kind !== 'event' && entry.kind !== 'info' && !entry.isOwn;
    if (isMessage && (room !== this.rooms.active || document.hidden)) {
      room.firstUnread ??= entry;
      room.unread += 1;
      room.isMentioned ||= entry.isMention || !room.isChannel;
      this.view.list();
    }
    this.view.entry(room, entry);
  }

  /** Shows a line that nobody has said, in the room in front unless another is given. */
  inform(text, kind = 'info', room = this.rooms.active) {
    this.add(room, { kind, nick: '', text, at: new Date() });
  }

  event(room, text, tags = {}) {
    this.add(room, { kind: 'event', nick: '', text, at: tags.time ? new Date(tags.time) : new Date() });
  }

  /** Gives a room another name: what was said and what is typed stay with it. */
  rename(room, to) {
    const { key } = room;
    const front = this.rooms.active;
    this.rooms.rename(room, to);
    if (this.rooms.active !== front) this.view.front();
    for (const one of this.unsaid) if (one.key === key) one.key = room.key;
    this.view.list();
    this.view.people(room);
  }

  apply(message) {
    if (this.listener?.(message)) return;
    const known = verbs[message.verb];
    if (known) known(this, message, ...message.params);
    else if (/^\d\d\d$/.test(message.verb)) this.applyNumeric(message);
  }

  applyNumeric({ verb, params }) {
    const text = params.slice(1).join(' ');
    if (ABOUT_SERVER.test(verb)) this.inform(text, 'info', this.rooms.server);
    else if (/^[45]/.test(verb)) this.inform(params.slice(1, -1).concat(params.at(-1)).join(': '), 'error');
    else if (!ENDS.test(verb)) this.inform(text);
  }
}

/** Makes one message of a batch of lines. */
function together({ message, messages }) {
  let text = '';
  messages.forEach((one, index) => {
    const isRest = 'draft/multiline-concat' in one.tags;
    text += (index && !isRest ? '\n' : '') + one.params[1];
  });
  const [first] = messages;
  return { ...first, tags: { ...first.tags, ...message.tags }, params: [message.params[2], text] };
}

function mentions(text, nick) {
  const words = toPlain(text).split(/[\s,.:;!?()"'@]+/);
  return words.some((word) => fold(word) === fold(nick));
}

function standard(chat, { verb }, ...params) {
  chat.inform(params.at(-1), verb === 'NOTE' ? 'info' : 'error');
}

function say(chat, message, target) {
  const entry = chat.toEntry(message);
  if (!entry) return;
  const to = target.replace(/^[@+]+(?=#)/, '');
  const isServer = message.nick.includes('.') || !message.nick;
  let room = chat.rooms.active;
  if (isChannel(to)) room = chat.rooms.get(to);
  else if (entry.isOwn) room = chat.rooms.get(to);
  else if (!isServer && message.verb === 'PRIVMSG') room = chat.rooms.get(message.nick);
  if (isServer) Object.assign(entry, { kind: 'info', nick: '' });
  if (entry.isOwn) {
    const at = chat.unsaid.findIndex(({ key }) => key === room.key);
    if (at >= 0) chat.unsaid.splice(at, 1);
  }
  chat.add(room, entry);
}

function join(chat, { nick, tags }, channel) {
  const room = chat.rooms.get(channel);
  if (nick !== chat.link.nick) {
    room.addMember(nick);
    chat.event(room, `${nick} joined`, tags);
    chat.view.people(room);
    return;
  }
  room.isIn = true;
  room.members.clear();
  chat.ask(room, 'LATEST', '*');
  chat.link.send('WHO', channel, '%tnf,7');
  const isWanted = chat.wanted.delete(room.key);
  if (isWanted || !chat.rooms.active.name) chat.show(room);
  else chat.view.list();
}

function left(chat, room, nick, text, tags) {
  chat.event(room, text, tags);
  if (nick === chat.link.nick) {
    room.isIn = false;
    room.members.clear();
  } else room.members.delete(fold(nick));
  chat.view.people(room);
}

const because = (reason) => (reason ? ` (${reason})` : '');

const verbs = {
  PRIVMSG: say,
  NOTICE: say,
  FAIL: standard,
  WARN: standard,
  NOTE: standard,
  JOIN: join,
  PART(chat, { nick, tags }, channel, reason) {
    const room = chat.rooms.get(channel);
    left(chat, room, nick, `${nick} left${because(reason)}`, tags);
    if (nick === chat.link.nick) chat.leave(room);
    chat.view.list();
  },
  KICK(chat, { nick, tags }, channel, who, reason) {
    left(chat, chat.rooms.get(channel), who, `${who} was removed by ${nick}${because(reason)}`, tags);
    chat.view.list();
  },
  QUIT(chat, { nick, tags }, reason) {
    for (const room of chat.rooms.with(nick)) left(chat, room, nick, `${nick} quit${because(reason)}`, tags);
  },
  RENAME(chat, { nick, tags }, channel, to, reason) {
    const room = chat.rooms.find(channel);
    if (!room) return;
    chat.rename(room, to);
    chat.event(room, `${nick} renamed ${channel} to ${to}${because(reason)}`, tags);
  },
  NICK(chat, { nick, tags }, to) {
    const alone = chat.rooms.find(nick);
    if (alone && !alone.isChannel && (fold(to) === alone.key || !chat.rooms.find(to))) {
      chat.rename(alone, to);
      chat.event(alone, `${nick} is now ${to}`, tags);
    }
    for (const room of chat.rooms.with(nick)) {
      room.rename(nick, to);
      chat.event(room, `${nick} is now ${to}`, tags);
      chat.view.people(room);
    }
    chat.view.list();
  },
  MODE(chat, { nick, tags }, target, modes, ...words) {
    if (!isChannel(target)) return;
    const room = chat.rooms.get(target);
    chat.event(room, `${nick} set the mode ${[modes, ...words].join(' ')}`, tags);
    if (/[ov]/.test(modes)) chat.link.send('NAMES', target);
  },
  TOPIC(chat, { nick, tags }, channel, topic) {
    const room = chat.rooms.get(channel);
    room.topic = topic;
    chat.event(room, topic ? `${nick} set the topic: ${topic}` : `${nick} removed the topic`, tags);
    chat.view.people(room);
  },
  INVITE(chat, { nick }, who, channel) {
    chat.inform(who === chat.link.nick ? `${nick} invites you: /join ${channel}` : `${nick} invites ${who} to ${channel}`);
  },
  AWAY(chat, { nick }, text) {
    for (const room of chat.rooms.with(nick)) {
      room.members.get(fold(nick)).isAway = Boolean(text);
      chat.view.people(room);
    }
  },
  REDACT(chat, message, target, id) {
    const room = chat.rooms.get(isChannel(target) || target !== chat.link.nick ? target : message.nick);
    if (room.redact(id)) chat.view.room(room);
  },
  332(chat, message, me, channel, topic) {
    chat.rooms.get(channel).topic = topic;
    chat.view.people(chat.rooms.get(channel));
  },
  353(chat, message, me, sign, channel, names) {
    const room = chat.rooms.get(channel);
    names.split(' ').filter(Boolean).forEach((name) => room.addMember(name));
    chat.view.people(room);
  },
  354(chat, message, me, token, nick, flags) {
    for (const room of chat.rooms.with(nick)) {
      room.members.get(fold(nick)).isAway = flags.startsWith('G');
      chat.view.people(room);
    }
  },
  '005'(chat, message, ...tokens) {
    const found = tokens.find((token) => token.startsWith('NETWORK='));
    if (found) chat.network = found.slice(8);
    chat.view.list();
  },
  900: (chat) => chat.view.list(),
  901: (chat) => chat.view.list(),
  903() {},
  ACCOUNT() {},
  CHGHOST() {},
  SETNAME() {},
};
