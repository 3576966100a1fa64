// Charts in a real browser against the stand-in: what they show, how a reader
// moves in time, and what can be taken away.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { accessibilityProblems, closePage, layoutShift, openPage, phone, picture, realURL, startBrowser, startMock, tooWide } from './world.mjs';

describe('charts', { skip: realURL !== '' && 'a real server is tested by real.test.mjs' }, () => {
  let browser, mock;
  const resource = (cls, test = () => true) => [...mock.model.resources.values()].find((r) => r.class.name === cls && test(r));
  const chart = (page, title) => page.getByRole('region', { name: title, exact: true });
  const moment = (page, title) => page.getByRole('slider', { name: `Moment in ${title}` });
  const open = async (path, options) => {
    const page = await openPage(browser, mock.url, path, options);
    await page.locator('canvas').first().waitFor();
    return page;
  };
  const search = (page) => new URL(page.url()).searchParams;
  const save = async (page, title, item) => {
    await chart(page, title).getByRole('button', { name: `More about ${title}` }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('menuitem', { name: item }).click();
    const file = await download;
    return { name: file.suggestedFilename(), content: await readFile(await file.path()) };
  };
  const drag = async (page, title, from, to) => {
    const sheet = moment(page, title);
    await sheet.scrollIntoViewIfNeeded();
    const box = await sheet.boundingBox();
    await page.mouse.move(box.x + box.width * from, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * ((from + to) / 2), box.y + 45);
    await page.mouse.move(box.x + box.width * to, box.y + 50);
    await page.mouse.up();
  };
  before(async () => {
    browser = await startBrowser();
    mock = await startMock();
  });
  after(async () => {
    await browser?.close();
    await mock?.close();
  });

  it("show the guide's example, read and write bandwidth on one chart, and two units on another", async () => {
    const page = await open(`/resource/${resource('Lun').id}`);
    const legend = chart(page, 'Bandwidth').getByRole('list').getByRole('button');
    await legend.nth(1).waitFor();
    const texts = await legend.allInnerTexts();
    assert.match(texts[0], /Read\s+\d+(\.\d)? MiB\/s/);
    assert.match(texts[1], /Write\s+\d+(\.\d)? MiB\/s/);
    const other = await chart(page, 'Requests and latency').getByRole('list').getByRole('button').allInnerTexts();
    assert.match(other.join(' '), /Requests\s+[\d.,]+ \/s[\s\S]*Latency\s+[\d.]+ ms/);
    await legend.nth(0).click();
    assert.equal(await legend.nth(0).getAttribute('aria-pressed'), 'false');
    await legend.nth(0).click();
    await picture(page, 'charts-lun');
    await closePage(page);
  });

  it('share their cursor, by pointer and by keyboard', async () => {
    const page = await open(`/resource/${resource('Lun').id}`);
    const [one, other] = [moment(page, 'Bandwidth'), moment(page, 'Requests and latency')];
    await one.scrollIntoViewIfNeeded();
    const box = await one.boundingBox();
    await page.mouse.move(box.x + box.width * 0.9, box.y + 50);
    await page.waitForFunction((e) => e.getAttribute('aria-valuetext').includes('Latency'), await other.elementHandle());
    assert.match(await one.getAttribute('aria-valuetext'), /Read \d.*MiB\/s, Write/);
    await picture(page, 'charts-cursor');
    await page.mouse.move(0, 0);
    await page.waitForFunction((e) => e.getAttribute('aria-valuetext') === 'no moment is chosen', await other.elementHandle());
    await one.focus();
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    assert.match(await other.getAttribute('aria-valuetext'), /Latency/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/at=/);
    await closePage(page);
  });

  it('zoom by drag together, keep it in the address, and lead back', async () => {
    const page = await open(`/resource/${resource('Lun').id}?range=6h`);
    await page.getByText('Follows the present').waitFor();
    await drag(page, 'Bandwidth', 0.25, 0.5);
    await page.waitForURL(/range=6h&zoom=/);
    const [from, to] = search(page).get('zoom').split('..').map(Date.parse);
    assert.ok(Math.abs(to - from - 1.5 * 3600_000) < 6 * 60_000, 'a quarter of six hours');
    const limits = await Promise.all(['Bandwidth', 'Requests and latency'].map((t) => moment(page, t).getAttribute('aria-valuemin')));
    assert.deepEqual(limits, [String(from / 1000), String(from / 1000)]);
    const first = search(page).get('zoom');
    await drag(page, 'Requests and latency', 0.2, 0.6);
    await page.waitForFunction((old) => new URL(window.location.href).searchParams.get('zoom') !== old, first);
    await page.goBack();
    await page.waitForFunction((f) => new URL(window.location.href).searchParams.get('zoom').startsWith(f), new Date(from).toISOString().slice(0, 19));
    await page.reload();
    await page.locator('canvas').first().waitFor();
    await page.getByRole('button', { name: 'Back to 6 h' }).click();
    await page.getByText('Follows the present').waitFor();
    assert.equal(search(page).get('zoom'), null);
    assert.equal(search(page).get('range'), '6h');
    await closePage(page);
  });

  it('go from minutes to months, by name, by steps and by two points in time', async () => {
    const page = await open(`/resource/${resource('Lun').id}`);
    await page.getByRole('button', { name: '90 d' }).click();
    await page.waitForURL(/range=90d/);
    await page.locator('[data-step="43200"], [data-step="86400"], [data-step="21600"]').waitFor();
    await page.getByRole('button', { name: '15 min' }).click();
    await page.locator('[data-step="10"]').waitFor();
    await page.getByRole('button', { name: 'Earlier' }).click();
    await page.waitForURL(/zoom=/);
    await page.getByRole('button', { name: 'Custom' }).click();
    await page.getByLabel('From', { exact: true }).fill('2026-03-05T12:00:00');
    await page.getByLabel('To', { exact: true }).fill('2026-03-05T11:00:00');
    await page.getByRole('button', { name: 'Show this time' }).click();
    await page.getByText('Must be after the beginning.').waitFor();
    await page.getByLabel('To', { exact: true }).fill('2026-03-05T13:00:00');
    await page.getByRole('button', { name: 'Show this time' }).click();
    // 12:00 in Paris.
    await page.waitForURL(/range=2026-03-05T11:00:00Z\.\.2026-03-05T12:00:00Z/);
    await chart(page, 'Bandwidth').getByText('No samples in this time').waitFor();
    await chart(page, 'Bandwidth').getByRole('button', { name: 'Show that time' }).click();
    await chart(page, 'Bandwidth').getByText('No samples in this time').waitFor({ state: 'detached' });
    await closePage(page);
  });

  it('follow the present without a jump', async () => {
    const page = await open(`/resource/${resource('Lun').id}?range=15m`);
    const end = () => moment(page, 'Bandwidth').getAttribute('aria-valuemax');
    const [first, height] = [await end(), (await chart(page, 'Bandwidth').boundingBox()).height];
    await page.waitForFunction(([e, old]) => e.getAttribute('aria-valuemax') !== old, [await moment(page, 'Bandwidth').elementHandle(), first]);
    assert.ok(Number(await end()) > Number(first));
    assert.equal((await chart(page, 'Bandwidth').boundingBox()).height, height);
    const shift = await layoutShift(page);
    assert.ok(shift < 0.1, `layout shift ${shift}`);
    await closePage(page);
  });

  it('mark where alerts began, in words and by shape', async () => {
    const disk = resource('Disk', (r) => r.values.status === 'FAILED');
    const page = await open(`/resource/${disk.id}`);
    const mark = chart(page, 'Temperature').getByRole('button', { name: /Error began: Disk failure, .*2026|Warning began: High temperature/ });
    assert.ok((await mark.count()) >= 1);
    await mark.first().focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/at=/);
    await closePage(page);
  });

  it('show histograms over time and at a moment, as growth and as reported', async () => {
    const page = await open(`/resource/${resource('Pool').id}`);
    const bars = chart(page, 'I/O size').getByRole('table', { name: /I\/O size/ });
    await bars.waitFor();
    assert.deepEqual((await bars.getByRole('rowheader').allInnerTexts()).map((t) => t.trim()), ['up to 512 B', '513 B – 4 KiB', '4 KiB – 64 KiB', '64 KiB – 1 MiB', 'over 1 MiB']);
    await chart(page, 'I/O size').getByText(/^Counted in the step up to/).waitFor();
    const count = async () => Number((await bars.getByRole('cell').nth(1).innerText()).replace(/\D/g, ''));
    const grown = await count();
    await chart(page, 'I/O size').getByText('As reported', { exact: true }).click();
    await chart(page, 'I/O size').getByText(/^As reported at/).waitFor();
    assert.ok((await count()) > grown, 'totals are more than what one step added');
    const sheet = moment(page, 'I/O size');
    await sheet.scrollIntoViewIfNeeded();
    const box = await sheet.boundingBox();
    await page.mouse.click(box.x + box.width * 0.5, box.y + 20);
    await page.waitForURL(/at=/);
    await page.mouse.move(0, 0);
    await chart(page, 'I/O size').getByRole('button', { name: 'Show the latest' }).click();
    await page.waitForFunction(() => !window.location.search.includes('at='));
    await closePage(page);
  });

  it('can be had as a table, as CSV and as a picture', async () => {
    const page = await open(`/resource/${resource('Lun').id}`);
    await chart(page, 'Bandwidth').getByRole('button', { name: 'More about Bandwidth' }).click();
    await page.getByRole('menuitem', { name: 'Show as a table' }).click();
    const table = page.getByRole('region', { name: 'Bandwidth, values' });
    assert.match((await table.getByRole('columnheader').allInnerTexts()).join(), /^Time,Read/);
    assert.ok((await table.getByRole('row').count()) > 100);
    const text = await save(page, 'Bandwidth', 'Save as CSV');
    assert.match(text.name, /^lun-\w+-bandwidth\.csv$/);
    assert.match(text.content.toString(), /^time,Read \(bytes\/s\),.*Write \(bytes\/s\).*\r\n\d{4}-\d\d-\d\dT[\d:.]+Z,/);
    const image = await save(page, 'Bandwidth', 'Save as PNG');
    assert.match(image.name, /\.png$/);
    assert.deepEqual([...image.content.subarray(1, 4)], [...Buffer.from('PNG')]);
    assert.ok(image.content.length > 10_000);
    await closePage(page);
  });

  it('say so and what to expect where nothing was sampled', async () => {
    const page = await open(`/resource/${resource('Chassis').id}`);
    await chart(page, 'Power').getByText('No sample yet. redfish declares one every 1 min').waitFor();
    await closePage(page);
  });

  for (const [size, viewport, scheme] of [['desk', undefined, 'dark'], ['phone', phone, 'light']]) {
    it(`are accessible and fit, ${size}, ${scheme}`, async () => {
      for (const [name, id] of [['disk', resource('Disk', (r) => r.values.status === 'FAILED').id], ['pool', resource('Pool').id]]) {
        const page = await open(`/resource/${id}`, { scheme, ...(viewport ? { viewport } : {}) });
        await picture(page, `charts-${name}-${size}-${scheme}`);
        assert.deepEqual(await accessibilityProblems(page), []);
        const wide = await tooWide(page);
        assert.ok(wide <= 0, `the page is ${wide} pixels wider than the screen`);
        await closePage(page);
      }
    });
  }
});

describe('the page of a resource', { skip: realURL !== '' && 'a real server is tested by real.test.mjs' }, () => {
  let browser, mock;
  const resource = (cls, test = () => true) => [...mock.model.resources.values()].find((r) => r.class.name === cls && test(r));
  before(async () => {
    browser = await startBrowser();
    mock = await startMock();
  });
  after(async () => {
    await browser?.close();
    await mock?.close();
  });

  it('lists parents and children with their health, and says why they are linked', async () => {
    const page = await openPage(browser, mock.url, `/resource/${resource('Pool', (r) => r.values.status === 'DEGRADED').id}`);
    const parents = page.getByRole('region', { name: 'Parents' });
    await parents.getByRole('row', { name: /Disk WD.*Error/ }).waitFor();
    await parents.getByRole('button', { name: /^Why linked with Disk/ }).first().click();
    await parents.getByText('The plugin says so: reported by').waitFor();
    const children = page.getByRole('region', { name: 'Children' });
    await children.getByRole('link', { name: /^LUN/ }).first().click();
    await page.getByRole('heading', { level: 1, name: /^LUN/ }).waitFor();
    await children.getByRole('button', { name: /^Why linked with scratch/ }).click();
    await children.getByText('By a relation that').waitFor();
    await closePage(page);
  });

  it('has the history of alerts, and leads from it to the charts of that moment', async () => {
    const page = await openPage(browser, mock.url, `/resource/${resource('Fan').id}`);
    const history = page.getByRole('region', { name: 'History' });
    await history.getByText(/ended after 15 min: Fan failure/).first().waitFor();
    await history.getByRole('button', { name: /Show the charts around: .* began: Fan failure/ }).first().click();
    await page.waitForURL(/zoom=.*at=/);
    await page.getByRole('button', { name: 'Back to 1 h' }).waitFor();
    await page.getByRole('button', { name: /began: Fan failure, / }).first().waitFor();
    await closePage(page);
  });

  it('shows its raw form and copies it', async () => {
    const fan = resource('Fan');
    const page = await openPage(browser, mock.url, `/resource/${fan.id}`);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByText('Raw JSON').click();
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    assert.equal(JSON.parse(await page.evaluate(() => navigator.clipboard.readText())).id, fan.id);
    await closePage(page);
  });
});
