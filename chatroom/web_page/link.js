// The connection: WebSocket, capabilities, login, and connecting again when it is lost.
// Source: IRCv3 "WebSocket support", "Capability Negotiation", "SASL".

import { format, parse, plainLogin } from './wire.js';

const WANTED = [
  'account-notify', 'away-notify', 'batch', 'cap-notify', 'chghost', 'draft/account-registration',
  'draft/channel-rename', 'draft/chathistory', 'draft/message-redaction', 'draft/multiline', 'echo-message',
  'extended-join', 'invite-notify', 'message-tags', 'multi-prefix', 'sasl', 'server-time', 'setname',
  'standard-replies',
];
const SHORTEST_WAIT_S = 1;
const LONGEST_WAIT_S = 30;
const SILENCE_S = 90;
const ANSWER_S = 20;

/**
 * One user's connection. It calls `ready()` when the user is known to the server, `message(message)` for each line
 * behind that, `waiting(seconds)` when it is lost and will be tried again, and `refused(text, about)` if it ends for
 * good; `about` is "name", "login", "server" or "".
 */
export class Link {
  constructor(url, calls) {
    this.url = url;
    this.calls = calls;
    this.caps = new Map();
    this.nick = '';
    this.account = '';
    this.isReady = false;
  }

  /**
   * Connects as `{ nick, account, password, serverPassword, invite }`. With a password, it logs in to the account;
   * with the token of an invite too, it registers the nick first.
   */
  open(who) {
    this.who = who;
    this.hasBeenReady = false;
    this.tries = 0;
    this.connect();
  }

  /** Sends a line, if the user is connected. */
  send(verb, ...params) {
    if (this.isReady) this.socket.send(format(verb, ...params));
  }

  /** Sends lines with tags in front, such as those of a batch. */
  sendLines(lines) {
    if (this.isReady) lines.forEach((line) => this.socket.send(line));
  }

  /** Ends the connection, and connects no more. */
  close(reason) {
    clearTimeout(this.timer);
    this.send('QUIT', reason);
    this.end();
  }

  /** Connects now, instead of waiting. */
  retry() {
    clearTimeout(this.timer);
    this.connect();
  }

  end() {
    clearTimeout(this.watch);
    if (this.socket) {
      this.socket.onclose = this.socket.onmessage = null;
      this.socket.close();
    }
    this.isReady = false;
  }

  connect() {
    this.end();
    this.caps = new Map();
    this.offered = new Map();
    this.account = '';
    this.why = '';
    this.socket = new WebSocket(this.url, ['text.ircv3.net']);
    this.socket.onopen = () => {
      const { nick, serverPassword } = this.who;
      if (serverPassword) this.write('PASS', serverPassword);
      this.write('CAP', 'LS', '302');
      this.nick = nick;
      this.write('NICK', nick);
      this.write('USER', nick.replace(/[^A-Za-z0-9]/g, '').slice(0, 10) || 'web', '0', '*', nick);
    };
    this.socket.onmessage = (event) => this.hear(parse(event.data));
    this.socket.onclose = () => this.lost();
    this.listen();
  }

  write(verb, ...params) {
    this.socket.send(format(verb, ...params));
  }

  /** Asks a silent server if it is there, and gives it up if it is not. */
  listen() {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => {
      if (this.isReady) this.write('PING', 'still-there');
      this.watch = setTimeout(() => this.lost(), ANSWER_S * 1000);
    }, (this.isReady ? SILENCE_S : ANSWER_S) * 1000);
  }

  lost() {
    this.end();
    if (!this.hasBeenReady) {
      this.refuse(this.why || 'The server cannot be reached', '');
      return;
    }
    const wait = Math.min(SHORTEST_WAIT_S * 2 ** this.tries, LONGEST_WAIT_S) * (1 + Math.random() / 4);
    this.tries += 1;
    this.calls.waiting(Math.ceil(wait));
    this.timer = setTimeout(() => this.connect(), wait * 1000);
  }

  refuse(text, about) {
    this.end();
    this.calls.refused(text, about);
  }

  hear(message) {
    this.listen();
    const { verb, params } = message;
    const text = params.at(-1) ?? '';
    if (verb === 'PING') this.write('PONG', text);
    else if (verb === 'CAP') this.negotiate(params);
    else if (verb === 'ERROR') {
      this.refuse(this.why || text.replace(/^Closing Link: \S+ \((.*)\)$/, '$1'), '');
      return;
    }
    if (verb === '900') this.account = params[2];
    if (verb === '901') this.account = '';
    if (this.isReady) {
      if (verb === 'NICK' && message.nick === this.nick) this.nick = this.who.nick = params[0];
      this.calls.message(message);
    } else this.register(verb, params, text);
  }

  negotiate(params) {
    const [, kind] = params;
    for (const word of params.at(-1).split(' ').filter(Boolean)) {
      const [, name, value] = /^-?([^=]*)=?(.*)$/.exec(word);
      if (kind === 'LS' || kind === 'NEW') this.offered.set(name, value);
      else if (kind === 'ACK') this.caps.set(name, this.offered.get(name) ?? '');
      else if (kind === 'DEL') this.caps.delete(name);
    }
    if ((kind === 'LS' && params[2] !== '*') || kind === 'NEW') {
      const wanted = WANTED.filter((name) => this.offered.has(name) && !this.caps.has(name));
      if (wanted.length) this.write('CAP', 'REQ', wanted.join(' '));
      else if (!this.isReady) this.write('CAP', 'END');
    } else if (!this.isReady && (kind === 'ACK' || kind === 'NAK')) this.logIn();
  }

  logIn() {
    const { password, invite } = this.who;
    if (!password) this.write('CAP', 'END');
    else if (invite && this.caps.has('draft/account-registration')) this.write('REGISTER', '*', '*', password);
    else if (invite) this.refuse('Nobody can register here now', 'login');
    else if (this.caps.has('sasl')) this.write('AUTHENTICATE', 'PLAIN');
    else this.refuse('This server takes no password here: open the page with https://', 'login');
  }

  /** Takes a line that comes before the welcome. */
  register(verb, params, text) {
    if (verb === '001') {
      this.nick = params[0];
      this.isReady = this.hasBeenReady = true;
      this.tries = 0;
      this.calls.ready();
    } else if (verb === 'AUTHENTICATE') {
      for (const line of plainLogin(this.who.account, this.who.password)) this.write('AUTHENTICATE', line);
    } else if (verb === '903') this.write('CAP', 'END');
    else if (verb === 'REGISTER' || verb === 'VERIFY') this.go(params);
    else if (['902', '904', '905', '906'].includes(verb)) this.refuse(text.replace(/^SASL .* failed: /, ''), 'login');
    else if (verb === '464') this.refuse(text, 'server');
    else if (verb === '433' && this.hasBeenReady && !this.who.password) {
      // Our own connection that was lost may still have the name.
      this.nick = `${this.nick}_`;
      this.write('NICK', this.nick);
    } else if (verb === '432' || verb === '433') this.refuse(text, 'name');
    else if (verb === 'FAIL') this.fail(params, text);
    else if (verb === '465') this.why = text;
  }

  /** Goes on with a registration: it needs the token, or is done. */
  go([state]) {
    if (state === 'VERIFICATION_REQUIRED') this.write('VERIFY', '*', this.who.invite);
    else if (state === 'SUCCESS') {
      this.who.invite = '';
      this.write('CAP', 'END');
    }
  }

  fail([about, code], text) {
    if (about === 'NICK' || /NICK|ACCOUNT_(EXISTS|NAME)/.test(code)) this.refuse(text, 'name');
    else if (about === 'REGISTER' || about === 'VERIFY') this.refuse(text, 'login');
    else if (code === 'ACCOUNT_REQUIRED') this.refuse(text, 'login');
    else this.why = text;
  }
}
