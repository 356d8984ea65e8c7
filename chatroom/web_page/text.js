// The text of a message as nodes of the page. Text stays text: nothing of it is ever read as HTML.

// A map, because an object has what all objects have, too: whoever said "constructor" would have said nothing.
const FORMATS = new Map([
  ['\x02', 'bold'], ['\x1d', 'italic'], ['\x1f', 'underline'], ['\x1e', 'strike'], ['\x11', 'mono'],
]);
// A colour is dropped with its numbers: it would be unreadable on one of the two backgrounds.
const PIECES = /\x03(?:\d{1,2}(?:,\d{1,2})?)?|\x04(?:[0-9a-f]{6})?|[\x02\x1d\x1f\x1e\x11\x16\x0f]|[^\x02-\x04\x0f\x11\x16\x1d-\x1f]+/gi;
const LINK = /https?:\/\/[^\s<>"\x00-\x1f]+/g;

/** Returns the nodes of a text with its formats and links. */
export function toNodes(text) {
  const nodes = [];
  let formats = new Set();
  for (const piece of text.match(PIECES) ?? []) {
    const format = FORMATS.get(piece);
    if (format) formats.has(format) ? formats.delete(format) : formats.add(format);
    else if (piece === '\x0f') formats = new Set();
    else if (piece >= ' ') nodes.push(...formatted(linked(piece), formats));
  }
  return nodes;
}

/** Returns the text without its formats. */
export function toPlain(text) {
  return (text.match(PIECES) ?? []).filter((piece) => piece >= ' ').join('');
}

function formatted(nodes, formats) {
  if (!formats.size) return nodes;
  const span = document.createElement('span');
  span.className = [...formats].join(' ');
  span.append(...nodes);
  return [span];
}

function linked(text) {
  const nodes = [];
  let at = 0;
  for (const found of text.matchAll(LINK)) {
    // What ends a sentence ends the link. A bracket belongs to it if its other half does.
    let url = found[0].replace(/[.,:;!?'*]+$/, '');
    if (url.endsWith(')') && !url.includes('(')) url = url.slice(0, -1);
    const link = document.createElement('a');
    Object.assign(link, { href: url, textContent: url, target: '_blank', rel: 'noopener noreferrer' });
    nodes.push(text.slice(at, found.index), link);
    at = found.index + url.length;
  }
  nodes.push(text.slice(at));
  return nodes.filter((node) => node !== '');
}
