// How passwords look in the store: hidden from a casual look, as the Go and Python
// plugins do it, so that each can read what another stored. It is no encryption;
// Faultline encrypts its store.

const prefix = 'acme1:'; // says how it was made
const pad = Buffer.from('Acme array');

const mask = (bytes) => Buffer.from(bytes.map((byte, i) => byte ^ pad[i % pad.length]));

export const obfuscate = (password) => prefix + mask(Buffer.from(password)).toString('base64');

export function reveal(stored) {
  if (!stored.startsWith(prefix)) throw new Error('the stored password was not made by this plugin; enter it again');
  return mask(Buffer.from(stored.slice(prefix.length), 'base64')).toString();
}
