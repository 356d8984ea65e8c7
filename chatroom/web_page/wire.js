// Lines of IRC: text to message and back. Nothing here touches the page or the network.
// Source: Modern IRC Client Protocol, and IRCv3 "Message Tags".

const ESCAPED = { ':': ';', s: ' ', '\\': '\\', r: '\r', n: '\n' };
const encoder = new TextEncoder();

/** Returns a line's tags, the nick that it is from, its verb and its parameters. */
export function parse(line) {
  const message = { tags: {}, nick: '', verb: '', params: [] };
  let rest = line;
  if (rest.startsWith('@')) {
    const end = rest.indexOf(' ');
    for (const tag of rest.slice(1, end).split(';')) {
      const [, name, value] = /^([^=]*)=?(.*)$/.exec(tag);
      message.tags[name] = value.replace(/\\(.?)/g, (_, char) => ESCAPED[char] ?? char);
    }
    rest = rest.slice(end + 1).trimStart();
  }
  if (rest.startsWith(':')) {
    const end = rest.indexOf(' ');
    message.nick = rest.slice(1, end).split('!')[0];
    rest = rest.slice(end + 1).trimStart();
  }
  const at = rest.startsWith(':') ? 0 : rest.indexOf(' :');
  const words = (at < 0 ? rest : rest.slice(0, at)).split(' ').filter(Boolean);
  if (at >= 0) words.push(rest.slice(at + 2));
  [message.verb = '', ...message.params] = words;
  message.verb = message.verb.toUpperCase();
  return message;
}

/** Returns the line of a verb and its parameters. Line ends and NULs in them become spaces. */
export function format(verb, ...params) {
  const clean = params.map((param) => String(param).replace(/[\r\n\0]/g, ' '));
  const last = clean.pop();
  const head = [verb, ...clean].join(' ');
  if (last === undefined) return head;
  return /^$|^:| /.test(last) ? `${head} :${last}` : `${head} ${last}`;
}

/** Returns the name as the server compares it: only A to Z have another case. */
export function fold(name) {
  return name.replace(/[A-Z]/g, (char) => char.toLowerCase());
}

/** True if the name is that of a channel. */
export function isChannel(name) {
  return name.startsWith('#');
}

/** Cuts a text into parts of at most so many bytes of UTF-8: behind a word if possible, never within a character. */
export function split(text, most) {
  const parts = [];
  let part = '';
  let size = 0;
  for (const char of text) {
    const bytes = encoder.encode(char).length;
    if (size + bytes > most) {
      const space = part.lastIndexOf(' ') + 1;
      const end = space > part.length / 2 ? space : part.length;
      parts.push(part.slice(0, end));
      part = part.slice(end);
      size = encoder.encode(part).length;
    }
    part += char;
    size += bytes;
  }
  return [...parts, part];
}

/** Returns the lines of SASL PLAIN: base64 in pieces of 400 characters, and "+" behind a last one that is full. */
export function plainLogin(account, password) {
  const bytes = encoder.encode(`${account}\0${account}\0${password}`);
  const text = btoa(String.fromCharCode(...bytes));
  const pieces = text.match(/.{1,400}/g);
  return text.length % 400 ? pieces : [...pieces, '+'];
}
