// What the user types: a message, or a command that begins with a slash.

import { isChannel } from './wire.js';

const MOST_LINES = 5;

/** Each command with its parameters, what it does, and how. */
const commands = {
  join: ['#room', 'Joins a room.', (chat, room, rest) => chat.open(channelOf(rest))],
  part: ['', 'Leaves this room.', (chat, room) => chat.leave(room)],
  msg: ['name [text]', 'Writes to one person.', (chat, room, rest) => {
    const [name, text] = cut(rest);
    chat.open(name);
    if (text) chat.say(chat.rooms.get(name), text);
  }],
  me: ['text', 'Says what you do.', (chat, room, rest) => {
    chat.say(room, rest.replace(/\s*\n\s*/g, ' '), (line) => `\x01ACTION ${line}\x01`);
  }],
  nick: ['name', 'Changes your name.', (chat, room, rest) => chat.link.send('NICK', rest)],
  topic: ['[text]', 'Shows or sets the topic of this room.', (chat, room, rest) => {
    chat.link.send('TOPIC', room.name, ...(rest ? [rest] : []));
  }],
  away: ['[text]', 'Tells the others that you are away, or back.', (chat, room, rest) => {
    chat.link.send('AWAY', ...(rest ? [rest] : []));
  }],
  invite: ['name', 'Invites a person to this room.', (chat, room, rest) => chat.link.send('INVITE', rest, room.name)],
  whois: ['name', 'Shows who a person is.', (chat, room, rest) => chat.link.send('WHOIS', rest)],
  kick: ['name [reason]', 'Removes a person from this room.', (chat, room, rest) => {
    chat.link.send('KICK', room.name, ...cut(rest));
  }],
  ban: ['mask [time [reason]]', 'Bans from this room, such as /ban bob 1d.', (chat, room, rest) => {
    const [mask, more] = cut(rest);
    chat.link.send('CBAN', room.name, mask, ...cut(more ?? '').filter(Boolean));
  }],
  mode: ['[modes]', 'Shows or sets the modes of this room.', (chat, room, rest) => {
    chat.link.send('MODE', room.name, ...rest.split(' ').filter(Boolean));
  }],
  quit: ['[reason]', 'Leaves the chat.', (chat, room, rest) => chat.quit(rest)],
  raw: ['line', 'Sends a line of IRC as it is.', (chat, room, rest) => chat.link.sendLines([rest])],
  help: ['', 'Shows this list.', (chat) => {
    const lines = Object.entries(commands).map(([name, [use, about]]) => `/${name} ${use}`.trim() + ` – ${about}`);
    chat.inform(lines.join('\n'));
  }],
};
const ALIASES = { j: 'join', leave: 'part', close: 'part', query: 'msg', '?': 'help' };
/** Commands that need a parameter, and those that need a room. */
const NEED_WORD = new Set(['join', 'msg', 'me', 'nick', 'invite', 'whois', 'kick', 'ban', 'raw']);
const NEED_ROOM = new Set(['me', 'topic', 'invite', 'kick', 'ban', 'mode']);

/** Does what was typed in a room. False if it could not be done, and should stay in the message box. */
export function enter(chat, room, typed) {
  const text = typed.trim();
  if (!text) return false;
  if (text.startsWith('/') && !text.startsWith('//')) return run(chat, room, text.slice(1));
  if (!room.name) return refuse(chat, 'Join a room first, or write to a person: /join #room, /msg name');
  if (room.isChannel && !room.isIn) return refuse(chat, `You are not in ${room.name}: /join ${room.name}`);
  const lines = text.split('\n').length;
  if (lines > MOST_LINES && !window.confirm(`Send ${lines} lines to ${room.name}?`)) return false;
  chat.say(room, text.replace(/^\/\//, '/'));
  return true;
}

function run(chat, room, text) {
  const [word, rest = ''] = cut(text);
  const name = ALIASES[word.toLowerCase()] ?? word.toLowerCase();
  const known = Object.hasOwn(commands, name) ? commands[name] : null;
  if (!known) return refuse(chat, `There is no command /${word}: /help lists them; // begins a message with a slash`);
  if (NEED_WORD.has(name) && !rest) return refuse(chat, `Use it as /${name} ${known[0]}`);
  if (NEED_ROOM.has(name) && !room.name) return refuse(chat, `/${name} is for a room`);
  known[2](chat, room, rest);
  return true;
}

function refuse(chat, text) {
  chat.inform(text, 'error');
  return false;
}

function channelOf(name) {
  return isChannel(name) ? name : `#${name}`;
}

/** Returns the first word and what is behind it. */
function cut(text) {
  const [, word, rest] = /^(\S*)\s*(.*)$/s.exec(text);
  return rest ? [word, rest] : [word];
}
