// What code for Node.js expects to be there.
export { Buffer } from 'buffer';
export const process = { env: {}, nextTick: (task, ...args) => setTimeout(task, 0, ...args) };
