// The page: shows the rooms, the messages and the people. Nothing here decides what they are.

import { toNodes } from './text.js';
import { fold } from './wire.js';

const SHOWN = 300;
const NEAR_PX = 60;
const $ = (id) => document.getElementById(id);
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });

/** Makes an element with a class and children, which may be texts. */
function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** Shows a chat, which is set as `chat` before anything is shown. */
export class View {
  constructor() {
    this.chat = null;
    this.last = null;
    this.changed = new Set();
    $('log').addEventListener('scroll', () => this.scrolled());
  }

  // -- messages -------------------------------------------------------------------------------------

  /** Shows a new entry, if its room is in front. */
  entry(room, entry) {
    if (room !== this.chat.rooms.active) return;
    const isNear = this.isNearEnd();
    this.append(entry, entry === room.firstUnread);
    if (isNear || entry.isOwn) this.toEnd();
    else $('to-end').hidden = false;
  }

  /** Shows a room anew, if it is in front: its history has come, or something in it has changed. */
  room(room) {
    if (room !== this.chat.rooms.active) return;
    const log = $('log');
    const fromEnd = log.scrollHeight - log.scrollTop;
    const isNear = this.isNearEnd();
    this.draw(room);
    if (isNear) this.toEnd();
    else log.scrollTop = log.scrollHeight - fromEnd;
  }

  /** Shows another room. */
  front() {
    const room = this.chat.rooms.active;
    this.shown = SHOWN;
    this.list();
    this.people(room);
    this.draw(room);
    this.toEnd();
  }

  draw(room) {
    $('entries').replaceChildren();
    this.day = '';
    this.last = null;
    this.hasMore = room.entries.length > this.shown;
    $('older').hidden = !room.hasOlder && !this.hasMore;
    for (const entry of room.entries.slice(-this.shown)) this.append(entry, entry === room.firstUnread);
  }

  /** Shows earlier messages that are here already. False if there are none. */
  showMore() {
    if (this.hasMore) {
      this.shown += SHOWN;
      this.room(this.chat.rooms.active);
      return true;
    }
    return false;
  }

  append(entry, isFirstUnread) {
    const day = entry.at.toDateString();
    if (this.day !== day) {
      $('entries').append(make('div', 'day', make('span', '', calendar.format(entry.at))));
      this.day = day;
      this.last = null;
    }
    if (isFirstUnread) {
      $('entries').querySelector('.mark')?.remove();
      $('entries').append(make('div', 'day mark', make('span', '', 'New')));
      this.last = null;
    }
    $('entries').append(this.draws(entry));
    this.last = entry;
  }

  draws(entry) {
    const time = make('time', '', clock.format(entry.at));
    time.dateTime = entry.at.toISOString();
    time.title = entry.at.toLocaleString();
    const text = make('span', 'text', ...toNodes(entry.text));
    const line = make('div', `entry ${entry.kind}`);
    if (entry.isMention) line.classList.add('mention');
    if (entry.nick) {
      const nick = make('span', 'nick', entry.nick);
      nick.style.setProperty('--hue', hueOf(entry.nick));
      const { last } = this;
      const goesOn = last && last.kind === entry.kind && fold(last.nick) === fold(entry.nick) && entry.at - last.at < 300000;
      if (goesOn && entry.kind === 'said') line.classList.add('again');
      line.append(nick, make('span', 'unseen', entry.kind === 'action' ? ' ' : ': '));
    }
    line.append(text, make('span', 'unseen', ' '), time);
    return line;
  }

  isNearEnd() {
    const log = $('log');
    return log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX;
  }

  toEnd() {
    $('log').scrollTop = $('log').scrollHeight;
    $('to-end').hidden = true;
  }

  scrolled() {
    if (this.isNearEnd()) $('to-end').hidden = true;
    if ($('log').scrollTop < 20 && !$('older').hidden && $('log').scrollHeight > $('log').clientHeight) $('older').click();
  }

  // -- rooms and people -----------------------------------------------------------------------------

  /** Shows the list of rooms and the user's own name, before the browser draws again. */
  list() {
    this.later('list', () => this.drawList());
  }

  /** Shows topic and people of a room, if it is in front, before the browser draws again. */
  people(room) {
    if (room === this.chat.rooms.active) this.later('people', () => this.drawPeople());
  }

  later(what, draw) {
    if (this.changed.has(what)) return;
    this.changed.add(what);
    setTimeout(() => {
      this.changed.delete(what);
      draw();
    });
  }

  drawList() {
    const { rooms, link, network } = this.chat;
    const focused = document.activeElement?.dataset?.room;
    const items = rooms.sorted().map((room) => {
      const button = make('button', '', make('span', 'label', this.nameOf(room)));
      button.type = 'button';
      button.dataset.room = room.key;
      if (room === rooms.active) button.setAttribute('aria-current', 'true');
      if (room.isChannel && !room.isIn) button.classList.add('out');
      if (room.unread) {
        const count = make('span', room.isMentioned ? 'count mentioned' : 'count', String(room.unread));
        count.setAttribute('aria-label', `${room.unread} new`);
        button.append(count);
      }
      button.addEventListener('click', () => this.chat.show(room));
      return make('li', '', button);
    });
    $('room-list').replaceChildren(...items);
    if (focused !== undefined) $('room-list').querySelector(`[data-room="${CSS.escape(focused)}"]`)?.focus();
    $('own-nick').textContent = link.nick;
    $('own-account').textContent = link.account ? 'logged in' : 'guest';
    $('register-open').hidden = Boolean(link.account) || !link.caps.has('draft/account-registration');
    $('login-open').hidden = Boolean(link.account) || !link.caps.has('sasl');
    const mentioned = rooms.sorted().filter((room) => room.isMentioned).reduce((sum, room) => sum + room.unread, 0);
    document.title = `${mentioned ? `(${mentioned}) ` : ''}${this.nameOf(rooms.active)} – ${network || 'Chat'}`;
  }

  drawPeople() {
    const room = this.chat.rooms.active;
    $('room-name').textContent = this.nameOf(room);
    $('room-topic').replaceChildren(...toNodes(room.topic));
    $('room-topic').hidden = !room.topic;
    $('part').hidden = !room.name;
    $('composer-text').placeholder = room.name ? `Message ${room.name}` : 'Join a room to talk: /join #room';
    const members = room.sorted();
    $('chat').classList.toggle('alone', !room.isChannel);
    $('member-count').textContent = members.length || '';
    const items = members.slice(0, 500).map((member) => {
      const nick = make('span', 'nick', member.nick);
      nick.style.setProperty('--hue', hueOf(member.nick));
      const button = make('button', member.isAway ? 'away' : '', make('span', 'sign', member.prefix), nick);
      button.type = 'button';
      const standing = { '@': 'operator', '+': 'voiced' }[member.prefix];
      button.title = [`Write to ${member.nick}`, standing, member.isAway && 'away'].filter(Boolean).join(', ');
      button.addEventListener('click', () => this.chat.open(member.nick));
      return make('li', '', button);
    });
    if (members.length > items.length) items.push(make('li', 'hint', `and ${members.length - items.length} more`));
    $('member-list').replaceChildren(...items);
  }

  nameOf(room) {
    return room.name || this.chat.network || 'Server';
  }

  /** Shows what is wrong with the connection; nothing, if nothing is. */
  status(text, canRetry) {
    $('status').hidden = !text;
    $('status-text').textContent = text;
    $('retry').hidden = !canRetry;
  }
}

function hueOf(nick) {
  let sum = 0;
  for (const char of fold(nick)) sum = (sum * 31 + char.codePointAt(0)) % 3600;
  return String(sum / 10);
}
