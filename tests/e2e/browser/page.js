// A page that chats through npm's irc-framework. The test calls the functions of `chat` and reads its lists.
import { Client } from 'irc-framework';

const client = new Client();

window.chat = {
  client,
  messages: [],
  members: [],
  connections: 0,
  closed: 0,
  batches: [],

  // Connects and stays connected: irc-framework reconnects by itself after the server closed the connection.
  connect(port, nick, account) {
    client.connect({
      host: '127.0.0.1',
      port,
      path: '/',
      tls: false,
      nick,
      username: nick,
      gecos: nick,
      account,
      auto_reconnect: true,
      auto_reconnect_max_retries: 20,
      auto_reconnect_max_wait: 1000,
      enable_chghost: true,
      enable_setname: true,
      enable_echomessage: true,
    });
  },
};

client.requestCap(['batch', 'draft/chathistory', 'message-tags', 'server-time']);
client.on('registered', () => { window.chat.connections += 1; });
client.on('socket close', () => { window.chat.closed += 1; });
client.on('message', (event) => {
  window.chat.messages.push({
    nick: event.nick,
    target: event.target,
    text: event.message,
    time: event.time || 0,
    account: event.account || '',
  });
});
client.on('userlist', (event) => { window.chat.members = event.users.map((user) => user.nick); });
client.on('batch end chathistory', (event) => {
  window.chat.batches.push(event.commands.map((command) => command.params[command.params.length - 1]));
});
