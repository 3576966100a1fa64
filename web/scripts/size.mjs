// Says how much a first visit loads, compressed, and fails above the limit.
// Counted are index.html, and the scripts and styles that it needs before it
// can show the overview; charts and the drawing of the graph load later.
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

const limit = 300_000;
const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(await readFile(new URL('.vite/manifest.json', dist), 'utf8'));

const files = new Set(['index.html', 'scheme.js']);
const seen = new Set();
function take(key) {
  if (seen.has(key)) return;
  seen.add(key);
  const chunk = manifest[key];
  files.add(chunk.file);
  for (const css of chunk.css ?? []) files.add(css);
  for (const next of chunk.imports ?? []) take(next);
}
take('index.html');

let total = 0;
for (const file of files) {
  const size = gzipSync(await readFile(new URL(file, dist)), { level: 9 }).length;
  total += size;
  console.log(`${String(size).padStart(8)}  ${file}`);
}
console.log(`${String(total).padStart(8)}  in all; at most ${limit}`);
if (total > limit) process.exit(1);
