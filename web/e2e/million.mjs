// Looks at the site of BenchmarkPage (internal/app), of a million resources, in a
// browser: checks what the pages show, and writes how long they take, in
// milliseconds, as JSON. Of what is done several times, the best counts; what
// ends in "first-ms" is done once.
//
//   node e2e/million.mjs URL
import assert from 'node:assert/strict';
import { argv, stdout } from 'node:process';
import { closePage, lastRequest, openPage, painted, picture, startBrowser } from './world.mjs';

const [, , url] = argv;
const times = 5;
const figures = {};

/** Keeps the least value that a figure had. */
function measured(name, value) {
  figures[name] = Math.round(Math.min(value, figures[name] ?? Infinity) * 10) / 10;
}

/** Keeps how long the server took for the last request for the path, and how long it took from the request to the picture. */
async function answered(page, name, path) {
  const now = await painted(page);
  const { requestStart, responseStart } = await lastRequest(page, path);
  measured(`${name}-server-ms`, responseStart - requestStart);
  measured(`${name}-painted-ms`, now - requestStart);
}

const get = async (path) => (await fetch(`${url}/api/v1${path}`)).json();
const browser = await startBrowser();
try {
  const page = await openPage(browser, url, '/');
  const incidents = page.getByRole('region', { name: 'Open incidents' });
  await incidents.getByRole('link', { name: /Feed failed/ }).waitFor();
  measured('overview-first-ms', await painted(page));
  await page.getByRole('region', { name: 'Volumes' }).getByText(/20,000 of 200,000 in danger/).waitFor();
  for (let i = 0; i < times; i++) {
    await page.goto(`${url}/`);
    await incidents.getByRole('link', { name: /Feed failed/ }).waitFor();
    measured('overview-ms', await painted(page));
  }
  await picture(page, 'million-overview');

  const disks = page.getByRole('region', { name: 'Disk, table' });
  const names = async (first) => {
    await disks.locator(`tr[aria-rowindex="${first + 2}"]`).getByRole('link').first().waitFor();
  };
  await page.goto(`${url}/resources/site/Disk`);
  await names(1);
  assert.equal(await disks.getByRole('table').getAttribute('aria-rowcount'), '400002');
  await answered(page, 'table-first', '/resources?');
  for (let i = 0; i < times; i++) {
    await page.goto(`${url}/resources/site/Disk`);
    await names(1);
    await answered(page, 'table', '/resources?');
  }
  await disks.getByRole('button', { name: 'serial' }).click();
  await page.waitForURL(/sort=serial/);
  await page.locator('table[aria-busy="false"]').waitFor();
  await answered(page, 'sort-first', 'sort=serial');

  // Any place of the table by the scroll bar.
  for (const part of [0.5, 0.9, 0.25]) {
    await disks.evaluate((e, p) => e.scrollTo(0, e.scrollHeight * p), part);
    await page.waitForFunction((p) => {
      const [, row] = /Rows ([\d,]+) to/.exec(document.body.innerText) ?? [];
      return row !== undefined && Math.abs(Number(row.replaceAll(',', '')) / 400_000 - p) < 0.02;
    }, part);
    const [, row] = /Rows ([\d,]+) to/.exec(await page.locator('main').innerText());
    await names(Number(row.replaceAll(',', '')) + 3);
    await answered(page, 'scroll', 'offset=');
  }
  assert.ok((await disks.getByRole('row').count()) < 120, 'only rows in view exist');
  await picture(page, 'million-table');

  await page.goto(`${url}/resources/site/Disk?where=slot%3D7`);
  await page.getByText('5,000 of 400,000').waitFor();
  await answered(page, 'filter-first', 'where=');

  const search = page.getByLabel('Search all resources');
  for (const serial of ['DISK0000031234', 'DISK0500031239', 'DISK0300000007']) {
    await search.fill(serial);
    await page.getByRole('option', { name: new RegExp(serial) }).first().waitFor();
    await answered(page, 'search', '/search?');
  }
  await page.keyboard.press('Escape');

  const { items } = await get('/resources?plugin=site&class=Feed&health=error');
  assert.equal(items.length, 1);
  for (let i = 0; i < times; i++) {
    await page.goto(`${url}/topology/${items[0].id}?direction=down`);
    await page.getByRole('button', { name: /40,000 × Disk/ }).waitFor();
    await answered(page, 'topology', '/layers');
    measured('topology-opened-ms', await painted(page));
  }
  const layers = await get(`/resources/${items[0].id}/layers?direction=down`);
  assert.equal(layers.below, 104_500);
  await picture(page, 'million-topology');
  await page.getByRole('button', { name: /40,000 × Disk/ }).click();
  await page.getByText('Disk 1–40 of 40,000').waitFor();
  await page.getByRole('button', { name: 'Next Disk' }).click();
  await page.getByText('Disk 41–80 of 40,000').waitFor();

  const { items: [lun] } = await get('/resources?plugin=site&class=Lun&health=error&limit=1');
  await page.goto(`${url}/resource/${lun.id}`);
  await page.getByRole('heading', { name: 'Why is it not well?' }).waitFor();
  measured('resource-first-ms', await painted(page));
  await closePage(page);
} finally {
  await browser.close();
}
stdout.write(`${JSON.stringify(figures)}\n`);
