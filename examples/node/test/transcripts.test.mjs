// Replays protocol/transcripts, which the host and both SDKs replay too, and
// compares manifests with protocol/golden.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { Host, isFree } from './host.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const protocol = here('../../../protocol/');
const plugins = { example: here('example.mjs'), scripted: here('scripted.mjs') };
const free = new Set(['t', 'detail', 'sdk', 'version', 'file']); // members that a transcript may leave out

// difference says where a message is not what a transcript wants, or returns undefined.
function difference(want, got, where = 'message') {
  if (want === '*') return undefined;
  if (want === null || typeof want !== 'object' || got === null || typeof got !== 'object') {
    return want === got ? undefined : `${where} is ${JSON.stringify(got)}, not ${JSON.stringify(want)}`;
  }
  if (Array.isArray(want) !== Array.isArray(got)) return `${where}: an array and an object`;
  for (const name of new Set([...Object.keys(want), ...Object.keys(got)])) {
    if (!(name in want)) {
      if (!free.has(name)) return `${where} has ${name} too`;
    } else {
      const found = difference(want[name], got[name], `${where}.${name}`);
      if (found) return found;
    }
  }
  return undefined;
}

// Those of device plugins are for programs that an agent runs.
const transcripts = readdirSync(`${protocol}transcripts`).filter((name) => name.endsWith('.txtar') && !name.startsWith('device'));
assert.ok(transcripts.length > 20);

for (const name of transcripts) {
  test(`transcript ${name}`, async () => {
    const [, plugin, lines] = readFileSync(`${protocol}transcripts/${name}`, 'utf8').split(/^-- .* --\n/m);
    const host = new Host(plugins[plugin.trim()], plugin.trim());
    for (const line of lines.split('\n')) {
      if (line.startsWith('→ ')) host.write(line.slice(2));
      if (!line.startsWith('← ') || isFree(JSON.parse(line.slice(2)))) continue;
      const got = await host.next();
      assert.ok(got, `the plugin ended before ${line}: ${host.stderr}`);
      const found = difference(JSON.parse(line.slice(2)), got);
      assert.equal(found, undefined, `want ${line.slice(2)}\n got ${JSON.stringify(got)}`);
    }
    const status = host.close();
    assert.equal(await host.next(), undefined, 'nothing more');
    assert.equal(await status, 0, host.stderr);
  });
}

for (const [name, path] of Object.entries(plugins)) {
  test(`manifest of ${name}`, async () => {
    const host = new Host(path, name);
    const { manifest } = (await host.initialize()).result;
    manifest.classes.sort((a, b) => (a.name < b.name ? -1 : 1));
    assert.deepEqual(manifest, JSON.parse(readFileSync(`${protocol}golden/${name}.json`, 'utf8')));
    assert.equal(await host.close(), 0);
  });
}
