// Puts the parts together: the form of the welcome, the chat, the keys.

import { Chat } from './chat.js';
import { enter } from './commands.js';
import { prepareDialogs } from './dialogs.js';
import { Link } from './link.js';
import { View } from './view.js';
import { fold, isChannel } from './wire.js';

const $ = (id) => document.getElementById(id);
const KEPT_NICK = 'chatroom.nick';
const MOST_ROWS_PX = 160;
const LOCAL = /^(localhost|127\.[\d.]+|\[::1\])$/;

/** What stands behind `#/join?` in a link to this page: `channel` and `invite`. */
function parametersOf({ hash }) {
  return new URLSearchParams(hash.startsWith('#/join?') ? hash.slice('#/join?'.length) : '');
}

/** Returns the rooms of a link to this page: `…#tea`, as in other clients, or `…#/join?channel=%23tea&invite=…`. */
function roomsOf({ hash }) {
  const named = hash.startsWith('#/') ? parametersOf({ hash }).get('channel') ?? '' : decode(hash);
  return named.split(',').filter((name) => isChannel(name) && name.length > 1 && !/[\s\x00-\x1f]/.test(name));
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function readConfig() {
  try {
    return await (await fetch('config.json')).json();
  } catch {
    return {};
  }
}

/** Where the server listens: what the configuration says, relative to this page, as a WebSocket. */
function urlOf(config) {
  const url = new URL(config.server?.url ?? '.', location.href);
  url.hash = '';
  url.protocol = url.protocol.replace(/^http/, 'ws');
  return url.href;
}

function remember(nick) {
  try {
    localStorage.setItem(KEPT_NICK, nick);
  } catch { /* the browser keeps nothing for this page */ }
}

function remembered() {
  try {
    return localStorage.getItem(KEPT_NICK) ?? '';
  } catch {
    return '';
  }
}

const config = await readConfig();
/** The token of the invite that the link has; empty if there is none, or it is used. */
let invite = parametersOf(location).get('invite') ?? '';
const view = new View();
const calls = {
  ready() {
    if (invite && !link.who.invite && link.account) {
      // Used: what is left of the link is its room.
      history.replaceState(null, '', location.pathname + location.search + roomsOf(location).join(','));
      invitedBy('');
    }
    $('welcome').hidden = true;
    $('chat').hidden = false;
    $('welcome-error').textContent = '';
    view.status('', false);
    remember(link.nick);
    $('composer').querySelector('button').disabled = false;
    chat.ready();
    view.front();
    if (!$('chat').contains(document.activeElement)) $('composer-text').focus();
  },
  message: (message) => chat.take(message),
  waiting(seconds) {
    chat.lost();
    $('composer').querySelector('button').disabled = true;
    view.status(`The connection is lost. Trying again in ${seconds} s.`, true);
  },
  refused(text, about) {
    $('welcome').hidden = false;
    $('chat').hidden = true;
    $('server-password-line').hidden = about !== 'server' && $('server-password-line').hidden;
    $('welcome-error').textContent = text;
    $('welcome').querySelector('[type=submit]').disabled = false;
    $({ login: 'password', server: 'server-password' }[about] ?? 'nick').focus();
  },
};
const link = new Link(urlOf(config), calls);
const chat = new Chat(link, view);
view.chat = chat;
chat.quit = (reason) => {
  link.close(reason || 'left the page');
  location.reload();
};

function welcome() {
  const rooms = roomsOf(location);
  rooms.forEach((room) => chat.wanted.set(fold(room), room));
  const name = config.name || location.host;
  document.title = name;
  $('welcome-name').textContent = name;
  const shown = rooms.length ? rooms : config.server?.autojoin ?? [];
  $('welcome-where').textContent = shown.length ? `You will be in ${[shown].flat().join(', ')}.` : '';
  $('welcome-clear').hidden = !link.url.startsWith('ws:') || LOCAL.test(location.hostname);
  $('nick').value = remembered();
  invitedBy(invite);
  $('welcome').hidden = false;
  $('nick').focus();
}

/** Asks for a new name if there is an invite, or else for one's own. */
function invitedBy(token) {
  invite = token;
  $('password').required = Boolean(token);
  $('password').autocomplete = token ? 'new-password' : 'current-password';
  $('password-about').textContent = token ? 'choose one: you are invited, and the name becomes yours' : 'only if the name is registered';
  $('known').hidden = !token;
}

$('known').addEventListener('click', () => {
  invitedBy('');
  $('nick').focus();
});
$('welcome').addEventListener('submit', (event) => {
  event.preventDefault();
  $('welcome-error').textContent = '';
  $('welcome').querySelector('[type=submit]').disabled = true;
  const nick = $('nick').value.trim();
  link.open({ nick, account: nick, password: $('password').value, serverPassword: $('server-password').value, invite });
});

// -- the message box ----------------------------------------------------------------------------------

const box = $('composer-text');
let tabbed = null;

function fit() {
  box.style.setProperty('height', 'auto');
  box.style.setProperty('height', `${Math.min(box.scrollHeight + 2, MOST_ROWS_PX)}px`);
}

function send() {
  if (!link.isReady) return;
  const room = chat.rooms.active;
  if (enter(chat, room, box.value)) {
    box.value = '';
    room.draft = '';
  }
  fit();
}

/** Completes the name in front of the cursor. False if there is none. */
function complete(back) {
  const at = box.selectionStart;
  if (!tabbed || tabbed.value !== box.value || tabbed.at !== at) {
    const [word] = /\S*$/.exec(box.value.slice(0, at));
    const names = word ? chat.rooms.active.complete(word.replace(/^@/, ''), link.nick) : [];
    if (!names.length) return false;
    tabbed = { names, index: back ? 0 : -1, start: at - word.length, end: at };
  }
  const { names, start, end } = tabbed;
  const index = (tabbed.index + (back ? names.length - 1 : 1)) % names.length;
  const filled = `${names[index]}${start ? ' ' : ': '}`;
  box.setRangeText(filled, start, end, 'end');
  tabbed = { names, index, start, end: start + filled.length, value: box.value, at: box.selectionStart };
  return true;
}

box.addEventListener('input', fit);
box.addEventListener('keydown', (event) => {
  if (event.isComposing) return;
  if (event.key === 'Enter' && !event.shiftKey) {
    event.preventDefault();
    send();
  } else if (event.key === 'Tab' && !event.altKey && !event.ctrlKey && complete(event.shiftKey)) event.preventDefault();
});
$('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  send();
  box.focus();
});

// -- rooms, drawers, keys -----------------------------------------------------------------------------

const show = chat.show.bind(chat);
chat.show = (room) => {
  chat.rooms.active.draft = box.value;
  show(room);
  box.value = room.draft;
  fit();
  openDrawer('');
};

/** On a narrow screen, shows the rooms or the people over the messages; with an empty name, neither. */
function openDrawer(name) {
  for (const one of ['rooms', 'members']) {
    $('chat').classList.toggle(`shows-${one}`, one === name);
    $(`${one}-toggle`).setAttribute('aria-expanded', String(one === name));
  }
  if (name) $(name).querySelector('button')?.focus();
}

for (const name of ['rooms', 'members']) {
  $(`${name}-toggle`).addEventListener('click', (event) => {
    openDrawer(event.currentTarget.getAttribute('aria-expanded') === 'true' ? '' : name);
  });
}
$('shade').addEventListener('click', () => openDrawer(''));
$('older').addEventListener('click', () => view.showMore() || chat.older(chat.rooms.active));
$('to-end').addEventListener('click', () => view.toEnd());
$('part').addEventListener('click', () => chat.leave(chat.rooms.active));
$('leave').addEventListener('click', () => chat.quit(''));
$('retry').addEventListener('click', () => link.retry());

document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') openDrawer('');
  if (!event.altKey || !['ArrowUp', 'ArrowDown'].includes(event.key) || $('chat').hidden) return;
  event.preventDefault();
  const rooms = chat.rooms.sorted();
  const step = event.key === 'ArrowDown' ? 1 : rooms.length - 1;
  chat.show(rooms[(rooms.indexOf(chat.rooms.active) + step) % rooms.length]);
});
document.addEventListener('visibilitychange', () => {
  const room = chat.rooms.active;
  if (!document.hidden && room.unread) {
    room.unread = 0;
    room.isMentioned = false;
    room.firstUnread = null;
    view.list();
  }
});
window.addEventListener('hashchange', () => {
  for (const room of roomsOf(location)) {
    if (link.isReady) chat.open(room);
    else chat.wanted.set(fold(room), room);
  }
});
window.addEventListener('pagehide', () => link.close('left the page'));
window.addEventListener('pageshow', (event) => event.persisted && location.reload());

prepareDialogs(chat);
welcome();
