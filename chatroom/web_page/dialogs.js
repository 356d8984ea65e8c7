// The dialogs: joining a room, registering a name, logging in.

import { isChannel, plainLogin } from './wire.js';

const $ = (id) => document.getElementById(id);
const MOST_LISTED = 200;

const ACCOUNT = {
  register: {
    title: 'Register your name',
    about: 'From then on the name is yours alone: it needs the password.',
    button: 'Register',
    autocomplete: 'new-password',
  },
  login: { title: 'Log in', about: 'To a name that is registered.', button: 'Log in', autocomplete: 'current-password' },
};

/** Lets the dialogs work for a chat. */
export function prepareDialogs(chat) {
  const close = (dialog) => {
    chat.listener = null;
    dialog.close();
  };
  for (const [name, open] of [['account', null], ['join', openJoin]]) {
    const dialog = $(`${name}-dialog`);
    $(`${name}-cancel`).addEventListener('click', () => close(dialog));
    dialog.addEventListener('cancel', () => close(dialog));
    if (open) $(`${name}-open`).addEventListener('click', () => open(chat));
  }
  $('register-open').addEventListener('click', () => openAccount(chat, 'register'));
  $('login-open').addEventListener('click', () => openAccount(chat, 'login'));
  $('account-form').addEventListener('submit', (event) => {
    event.preventDefault();
    sendAccount(chat);
  });
  $('join-form').addEventListener('submit', (event) => {
    event.preventDefault();
    close($('join-dialog'));
    chat.open($('join-name').value.trim());
  });
}

function openAccount(chat, kind) {
  const texts = ACCOUNT[kind];
  const dialog = $('account-dialog');
  dialog.dataset.kind = kind;
  $('account-title').textContent = texts.title;
  $('account-about').textContent = texts.about;
  $('account-form').querySelector('[type=submit]').textContent = texts.button;
  $('account-name').value = chat.link.nick;
  $('account-name').readOnly = kind === 'register';
  $('account-password').value = '';
  $('account-password').autocomplete = texts.autocomplete;
  $('account-email-line').hidden = kind === 'login';
  $('account-error').textContent = '';
  dialog.showModal();
  $('account-password').focus();
}

function sendAccount(chat) {
  const [name, password] = [$('account-name').value.trim(), $('account-password').value];
  const fail = (text) => { $('account-error').textContent = text; };
  const done = (text) => {
    chat.listener = null;
    chat.link.who = { ...chat.link.who, account: name, password };
    $('account-dialog').close();
    chat.inform(text);
    chat.view.list();
  };
  fail('');
  if ($('account-dialog').dataset.kind === 'register') {
    chat.listener = ({ verb, params }) => {
      if (verb === 'REGISTER' && params[0] === 'SUCCESS') done(`${params[1]} is registered and yours.`);
      else if (verb === 'REGISTER') fail('Here only those register who are invited: open the link of your invite.');
      else if (verb === 'FAIL' && params[0] === 'REGISTER') fail(params.at(-1));
      else return false;
      return true;
    };
    chat.link.send('REGISTER', '*', $('account-email').value.trim() || '*', password);
  } else {
    chat.listener = ({ verb, params }) => {
      if (verb === 'AUTHENTICATE') plainLogin(name, password).forEach((line) => chat.link.send('AUTHENTICATE', line));
      else if (verb === '903') done(`You are logged in as ${name}.`);
      else if (/^90[24567]$/.test(verb) || (verb === 'FAIL' && params[0] === 'AUTHENTICATE')) fail(params.at(-1));
      else return false;
      return true;
    };
    chat.link.send('AUTHENTICATE', 'PLAIN');
  }
}

function openJoin(chat) {
  const found = [];
  $('join-name').value = '';
  $('join-list').replaceChildren();
  chat.listener = ({ verb, params }) => {
    if (verb === '322' && found.length < MOST_LISTED) found.push(params);
    if (verb === '323') showListed(chat, found);
    return ['321', '322', '323'].includes(verb);
  };
  chat.link.send('LIST');
  $('join-dialog').showModal();
}

function showListed(chat, found) {
  const rooms = found.filter(([, name]) => isChannel(name)).sort((one, other) => other[2] - one[2]);
  $('join-list').replaceChildren(...rooms.map(([, name, count, topic]) => {
    const button = document.createElement('button');
    const about = document.createElement('small');
    about.textContent = `${count} ${count === '1' ? 'person' : 'people'}${topic ? `: ${topic}` : ''}`;
    button.type = 'button';
    button.append(name, about);
    button.addEventListener('click', () => {
      chat.listener = null;
      $('join-dialog').close();
      chat.open(name);
    });
    const item = document.createElement('li');
    item.append(button);
    return item;
  }));
}
