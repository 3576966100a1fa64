// What the browser tests share: a browser, a server, and eyes.
//
// The server is the stand-in of mock/, a demo of the program (bin/faultline, or the
// one that FAULTLINE_E2E_PROGRAM names), or the one that
// FAULTLINE_E2E_URL names (then only real.test.mjs runs). The page under test is
// the built one.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { serve } from '../mock/server.mjs';

export const realURL = process.env.FAULTLINE_E2E_URL ?? '';
const results = fileURLToPath(new URL('../test-results/', import.meta.url));
const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Starts the stand-in; the tests need the page to be built. */
export async function startMock(options) {
  if (!existsSync(new URL('../dist/index.html', import.meta.url))) throw new Error('The page is not built: run `npm run build` first.');
  return serve(options);
}

const program = process.env.FAULTLINE_E2E_PROGRAM ?? fileURLToPath(new URL('../../bin/faultline', import.meta.url));

/**
 * Returns a server of the program with the simulated array and its hosts, when
 * all that goes wrong in the demo has done so; or the one that FAULTLINE_E2E_URL
 * names.
 */
export async function startReal() {
  if (realURL !== '') return { url: realURL, close() {} };
  if (!existsSync(program)) throw new Error('The program is not built: run `make build` first.');
  const demo = spawn(program, ['demo', '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = [];
  const ended = once(demo, 'exit');
  demo.stderr.on('data', (text) => said.push(text));
  for await (const line of createInterface({ input: demo.stdout })) {
    said.push(`${line}\n`);
    const [, url] = /^== The page is open at (\S+) until/.exec(line) ?? [];
    if (url === undefined) continue;
    demo.stdout.resume();
    const close = async () => {
      demo.kill('SIGINT');
      await ended;
    };
    return { url, close };
  }
  await ended;
  throw new Error(`The demo ended early:\n${said.join('')}`);
}

/** Starts the browser that Debian ships. */
export async function startBrowser() {
  await mkdir(results, { recursive: true });
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

export const desktop = { width: 1280, height: 800 };
export const phone = { width: 390, height: 844 };

// Pages that tests have done with, of each browser, by what cannot be set anew: half of what it takes to load a page is a new process.
const left = new WeakMap();

/** Opens a page that fails the test on any error in its console, with nothing kept from another; the token is there before the page asks for anything. */
export async function openPage(browser, base, path, { viewport = desktop, scheme = 'light', zone = 'Europe/Paris', allowErrors = false, token = '' } = {}) {
  const key = JSON.stringify([base, zone, token]);
  if (!left.has(browser)) left.set(browser, new Map());
  const idle = left.get(browser);
  if (!idle.has(key)) idle.set(key, []);
  const page = idle.get(key).pop() ?? (await newPage(browser, base, zone, token));
  page.problems = [];
  page.giveBack = () => idle.get(key).push(page);
  if (!allowErrors) {
    page.on('pageerror', (err) => page.problems.push(String(err)));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') page.problems.push(`${message.text()} ${message.location().url}`);
    });
  }
  await page.setViewportSize(viewport);
  await page.emulateMedia({ colorScheme: scheme });
  await page.evaluate((name) => { window.name = name; }, fresh);
  await page.goto(path);
  return page;
}

const fresh = 'fresh';

async function newPage(browser, base, zone, token) {
  const context = await browser.newContext({ reducedMotion: 'reduce', locale: 'en-GB', timezoneId: zone, baseURL: base });
  // Whatever the window keeps from one page to the next, a page that was opened has none of it.
  await context.addInitScript(([name, t]) => {
    if (window.name !== name) return;
    window.name = '';
    window.localStorage.clear();
    window.sessionStorage.clear();
    if (t) window.sessionStorage.setItem('faultline-token', t);
  }, [fresh, token]);
  const page = await context.newPage();
  // Long enough for a machine that does much else at the same time.
  page.setDefaultTimeout(20_000);
  return page;
}

/** Ends a page and says what its console complained of. */
export async function closePage(page) {
  await page.mouse.move(0, 0);
  page.removeAllListeners();
  page.giveBack();
  if (page.problems.length > 0) throw new Error(`the browser's console has:\n${page.problems.join('\n')}`);
}

/** Waits until the page shows all that it is about to show. */
async function settled(page) {
  for (const late of [page.locator('.mantine-Skeleton-root'), page.getByText('Drawing …')]) await late.first().waitFor({ state: 'detached' });
  // A drawing fits itself into its frame, and that shows in the frame after.
  await page.evaluate(() => document.fonts.ready.then(() => new Promise((painted) => window.requestAnimationFrame(() => window.requestAnimationFrame(painted)))));
}

/** Writes a picture of the page to test-results, once it has settled. */
export async function picture(page, name, options = {}) {
  await settled(page);
  await page.screenshot({ path: `${results}${name}.png`, animations: 'disabled', ...options });
}

const allRules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Returns what axe finds wrong with the page, in a readable form: by the rules for all, or by those that are named. */
export async function accessibilityProblems(page, rules) {
  // By the developer tools' channel: the page's content policy forbids other scripts.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(`${axeSource}; undefined`);
  const runOnly = rules ? { type: 'rule', values: rules } : { type: 'tag', values: allRules };
  // Nothing is loaded for it again (preload): that is for rules that are not among these.
  const found = await page.evaluate((only) => window.axe.run(document, { runOnly: only, resultTypes: ['violations'], preload: false }), runOnly);
  return found.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')}\n    ${n.failureSummary?.replaceAll('\n', '\n    ')}`));
}

/** How far parts of the page have moved on their own since it was opened; 0.1 is what readers notice. */
export const layoutShift = (page) =>
  page.evaluate(
    () =>
      new Promise((resolve) => {
        new window.PerformanceObserver((list) => resolve(list.getEntries().filter((e) => !e.hadRecentInput).reduce((sum, e) => sum + e.value, 0))).observe({ type: 'layout-shift', buffered: true });
        setTimeout(() => resolve(0), 300);
      }),
  );

/** By how many pixels the page is wider than the screen. */
export const tooWide = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

/** The request of the page's server whose answer came last, of those that ask for the path: its times in milliseconds since the page was opened. */
export const lastRequest = (page, path) =>
  page.evaluate((part) => {
    const entries = window.performance.getEntriesByType('resource').filter((e) => e.name.includes(part));
    const { requestStart, responseStart, responseEnd } = entries.reduce((last, e) => (e.responseEnd > last.responseEnd ? e : last));
    return { requestStart, responseStart, responseEnd };
  }, path);

/** The time since the page was opened, in milliseconds, at the next picture that the browser paints. */
export const painted = (page) => page.evaluate(() => new Promise((now) => window.requestAnimationFrame(() => window.setTimeout(() => now(window.performance.now())))));
