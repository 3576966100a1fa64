// What an operator does with the page, in a real browser against the stand-in.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { closePage, lastRequest, layoutShift, openPage, painted, phone, realURL, startBrowser, startMock } from './world.mjs';

describe('tasks', { skip: realURL !== '' && 'a real server is tested by real.test.mjs' }, () => {
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

  it('tells on the overview which file systems are in danger, and leads to the cause in one click', async () => {
    const page = await openPage(browser, mock.url, '/');
    const systems = page.getByRole('region', { name: 'File systems' });
    await systems.getByRole('link', { name: 'File system scratch' }).waitFor();
    assert.match(await systems.innerText(), /1 of 2 in danger[\s\S]*File system scratch\s+At risk/);
    assert.match(await page.getByRole('region', { name: 'Controllers and hosts' }).innerText(), /1 is silent[\s\S]*bmc-18/);
    const volumes = page.getByRole('region', { name: 'Volumes' });
    assert.match(await volumes.innerText(), new RegExp(`of ${mock.fleet.volumes.size} in danger`), 'each is counted once');
    await volumes.getByRole('listitem').getByRole('link', { name: /^LUN / }).first().click();
    await page.waitForURL(/\/volumes\/\d+$/);
    await page.goBack();
    await systems.getByRole('link', { name: /^Disk failure: Disk WD/ }).first().click();
    await page.getByRole('heading', { level: 1, name: /^Disk failure: Disk WD/ }).waitFor();
    const cause = page.getByRole('region', { name: 'The cause', exact: true });
    await cause.getByText('Slot').waitFor();
    assert.match(await cause.innerText(), /Enclosure\s+Enclosure 0\s+Slot\s+13/);
    await page.getByRole('list', { name: 'File systems in danger' }).getByRole('link', { name: 'File system scratch' }).click();
    await page.getByRole('heading', { name: 'Why is it not well?' }).waitFor();
    await page.getByText('At risk', { exact: true }).and(page.locator('main span')).waitFor();
    await page.getByText('It works, but something that it depends on further away is not well.').waitFor();
    const path = page.getByRole('list', { name: 'The way from the cause to here' }).first();
    assert.match(await path.innerText(), /Disk WD\w+\s+RAID pool p01\s+LUN \w+\s+scratch-OST\w+\s+here/);
    await closePage(page);
  });

  it('shows an incident with its way, its timeline, and acknowledges it with a comment', async (t) => {
    const fresh = await startMock();
    t.after(() => fresh.close());
    const failed = [...fresh.model.resources.values()].find((r) => r.values.status === 'FAILED' && r.class.name === 'Disk');
    const page = await openPage(browser, fresh.url, '/incidents');
    await page.getByRole('region', { name: 'Open incidents' }).getByRole('link', { name: /^Disk failure/ }).click();
    await page.locator('.react-flow__node', { hasText: 'File system scratch' }).waitFor();
    assert.ok((await page.locator('.react-flow__edge path[class*="error"]').count()) > 3, 'the way is marked');
    const timeline = page.getByRole('region', { name: 'Timeline' });
    assert.equal(await timeline.getByRole('listitem').count(), 3);
    await page.getByRole('button', { name: 'Acknowledge' }).click();
    await page.getByRole('textbox', { name: 'Comment' }).fill('Kim brings a disk at noon');
    await page.getByRole('dialog').getByRole('button', { name: 'Acknowledge' }).click();
    await timeline.getByText('Kim brings a disk at noon').first().waitFor();
    assert.ok(fresh.model.alerts.filter((a) => a.active && a.acknowledged).length === 3, 'effects, too');
    await page.getByRole('button', { name: 'Take the acknowledgement back' }).click();
    await page.getByRole('button', { name: 'Acknowledge', exact: true }).waitFor();
    await page.getByText('Show the way as').or(page.getByRole('radio', { name: 'Table' })).first().waitFor({ state: 'attached' });
    fresh.model.setAttribute(failed, 'status', 'OK');
    await page.getByText('High temperature').first().waitFor();
    await page.goto(`${fresh.url}/incidents?tab=recent`);
    const ended = page.getByRole('region', { name: 'Ended incidents' }).getByRole('listitem').filter({ hasText: failed.label }).first();
    await ended.getByRole('link', { name: /^Disk failure/ }).waitFor();
    assert.match(await ended.innerText(), /lasted .* · 1 alert followed from it[\s\S]*ended/, 'the pool was degraded by it');
    assert.equal(await page.getByRole('region', { name: 'Ended incidents' }).getByRole('link', { name: /RAID pool/ }).count(), 0, 'what followed is no incident of its own');
    await closePage(page);
  });

  it('tells what changed on a disk before it failed, live and by the keyboard', async (t) => {
    const fresh = await startMock();
    t.after(() => fresh.close());
    const failed = [...fresh.model.resources.values()].find((r) => r.values.status === 'FAILED' && r.class.name === 'Disk');
    const page = await openPage(browser, fresh.url, `/resource/${failed.id}`);
    const history = page.getByRole('region', { name: 'History' });
    const items = history.getByRole('listitem');
    await history.getByText('Error began: Disk failure').waitFor();
    const lines = await items.allInnerTexts();
    const at = (text) => lines.findIndex((l) => l.includes(text));
    assert.ok(at('Error began: Disk failure') < at('Status changed from OK to FAILED'), 'the newest comes first');
    assert.ok(at('Status changed from OK to FAILED') < at('Firmware changed from A10 to C8C4'));
    assert.match(lines[at('Parent added: ')], /Parent added: Enclosure 0\s+Parent removed: Enclosure 77 \(gone since\)/);
    assert.equal(lines.length, 8);
    const earlier = history.getByRole('button', { name: 'Show earlier' });
    await earlier.focus();
    await page.keyboard.press('Enter');
    await history.getByText('Seen for the first time').waitFor();
    await earlier.waitFor({ state: 'detached' });
    await page.waitForFunction(() => document.activeElement?.tagName === 'LI');
    assert.equal(await items.nth(8).evaluate((e) => e === document.activeElement), true, 'the reader goes on with the first of the earlier ones');
    await history.getByText(/^Changes from before .* are not known\.$/).waitFor();

    // It is exchanged while somebody looks.
    fresh.model.setAttribute(failed, 'status', 'OK');
    await history.getByText('Status changed from FAILED to OK').waitFor();
    await history.getByText(/Error ended after .*: Disk failure/).waitFor();
    assert.equal(await items.nth(10).evaluate((e) => e === document.activeElement), true, 'what comes in moves nobody');
    await history.getByRole('link', { name: 'Enclosure 0' }).click();
    await page.getByRole('heading', { level: 1, name: 'Enclosure 0' }).waitFor();
    await closePage(page);
  });

  it('tells what happened to a resource that is gone', async (t) => {
    const fresh = await startMock();
    t.after(() => fresh.close());
    const service = [...fresh.model.resources.values()].find((r) => r.label.includes('bmc-17'));
    fresh.model.remove(service);
    const page = await openPage(browser, fresh.url, `/resource/${service.id}`, { allowErrors: true });
    await page.getByRole('heading', { level: 1, name: 'This resource is gone' }).waitFor();
    await page.getByRole('region', { name: 'History' }).getByText('Deleted').waitFor();
    await page.goto(`${fresh.url}/resource/99999`);
    await page.getByRole('heading', { level: 1, name: 'This resource is gone' }).waitFor();
    await page.getByRole('region', { name: 'History' }).waitFor({ state: 'detached' });
    await closePage(page);
  });

  it('walks the topology by drawing and by table, with the same groups in the address', async () => {
    const pool = resource('Pool', (r) => r.values.status === 'DEGRADED');
    const page = await openPage(browser, mock.url, `/topology/${pool.id}`);
    await page.getByText('16 above, 4 below').or(page.getByText(/\d+ above, \d+ below/)).first().waitFor();
    await page.getByRole('button', { name: /9 × Disk/ }).click();
    await page.waitForURL(/open=-1:acme\.Disk/);
    await page.getByRole('list', { name: 'Open groups' }).getByText('Disk 1–10 of 10').waitFor();
    await page.getByText('Table', { exact: true }).click();
    await page.waitForURL(/view=table/);
    const table = page.getByRole('region', { name: 'The graph as a table' });
    assert.equal(await table.getByRole('link', { name: /^Disk WD/ }).count(), 10);
    // By the keyboard alone: fold, open again, and go around another resource.
    const fold = table.getByRole('button', { name: 'Fold Disk' });
    await fold.focus();
    await page.keyboard.press('Enter');
    await table.getByRole('button', { name: /^Show the first 10 of 10 Disk/ }).waitFor();
    assert.match(await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? ''), /^Show the first/, 'the keyboard stays');
    await page.keyboard.press('Enter');
    await fold.waitFor();
    await table.getByRole('link', { name: /^Around it: topology of Disk WD/ }).first().focus();
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => /\/topology\/\d+$/.test(url.pathname) && !url.pathname.endsWith(`/${pool.id}`));
    await page.getByRole('heading', { level: 1, name: /^Disk WD/ }).waitFor();
    await closePage(page);
  });

  it('paints the topology of a resource with 100,000 descendants, and pages through them', async (t) => {
    const large = await startMock({ fed: 99_000 });
    t.after(() => large.close());
    const feed = [...large.model.resources.values()].find((r) => r.label === 'Power feed');
    large.model.healthOf(feed); // what a real server has at hand
    const page = await openPage(browser, large.url, '/plugins');
    await page.getByRole('heading', { level: 1, name: 'Plugins' }).waitFor();
    await page.getByRole('status').getByText('Live').waitFor();
    // BenchmarkLayers measures the server; the stand-in is slower and answers one
    // request after another, so what counts here begins with its answer.
    let took = Infinity;
    for (let i = 0; i < 3; i++) {
      await page.goto(`${large.url}/topology/${feed.id}?direction=down`);
      await page.getByRole('button', { name: /99,000 × Disk/ }).waitFor();
      took = Math.min(took, (await painted(page)) - (await lastRequest(page, '/layers')).responseEnd);
    }
    t.diagnostic(`painted ${Math.round(took)} ms after the answer`);
    await page.getByRole('button', { name: /99,000 × Disk/ }).click();
    await page.getByText('Disk 1–40 of 99,000').waitFor();
    await page.getByRole('button', { name: 'Next Disk' }).click();
    await page.getByText('Disk 41–80 of 99,000').waitFor();
    assert.ok((await page.locator('.react-flow__node').count()) < 60);
    await closePage(page);
  });

  it('sorts, filters and scrolls a table, and keeps it all in the address', async () => {
    const page = await openPage(browser, mock.url, '/resources/acme/Disk');
    const table = page.getByRole('region', { name: 'Disk, table' });
    await table.getByRole('link').first().waitFor();
    const headings = await table.getByRole('columnheader').allInnerTexts();
    assert.deepEqual(headings.map((h) => h.trim()), ['Name', 'Serial', 'Enclosure', 'Slot', 'Model', 'Capacity', 'Status', 'Spare', 'Temperature', 'Read'], 'declared columns without the hidden one');
    assert.match(await table.getByRole('row').nth(2).innerText(), /14\.6 TiB/);
    assert.equal(await table.getByRole('table').getAttribute('aria-rowcount'), '242');
    await page.getByText(/^Rows 1 to \d+ of 240$/).waitFor();

    await table.getByRole('button', { name: 'Slot' }).click();
    await table.getByRole('button', { name: 'Slot' }).click();
    await page.waitForURL(/sort=-slot/);
    await table.locator('tbody tr[aria-rowindex="3"] td').nth(2).filter({ hasText: '39' }).waitFor();
    assert.equal(await table.getByRole('columnheader', { name: 'Slot' }).getAttribute('aria-sort'), 'descending');

    // The next pages come while the reader scrolls, and only rows in view exist.
    await table.evaluate((e) => e.scrollTo(0, e.scrollHeight));
    await table.locator('tr[aria-rowindex="242"]').getByRole('link').first().waitFor();
    await page.waitForURL(/row=\d+/);
    assert.ok((await table.getByRole('row').count()) < 80);

    await page.getByRole('button', { name: /^Error/ }).click();
    await page.waitForURL(/health=error/);
    await table.locator('tr[aria-rowindex="4"]').waitFor({ state: 'detached' });
    assert.match(await table.locator('tbody tr[data-health]').first().innerText(), /FAILED/);
    await page.getByRole('button', { name: /^Error/ }).click();
    await page.getByLabel('Filter by text').fill('enclosure 3');
    await page.waitForURL(/q=enclosure/);
    await page.getByText('40 of 240').waitFor();
    const address = page.url();
    await page.reload();
    await page.getByText('40 of 240').waitFor();
    assert.equal(page.url(), address);
    await page.getByLabel('Filter by text').fill('no such thing');
    await page.getByText('Nothing fits the filter').waitFor();
    await closePage(page);
  });

  it('sorts by an attribute that is called name', async () => {
    const page = await openPage(browser, mock.url, '/resources/acme/Pool');
    const table = page.getByRole('region', { name: 'RAID pool, table' });
    await table.getByRole('link').first().waitFor();
    const first = (name) => table.locator('tbody tr[aria-rowindex="3"]').filter({ hasText: name }).waitFor();
    await table.getByRole('button', { name: 'Name' }).nth(1).click();
    await table.getByRole('button', { name: 'Name' }).nth(1).click();
    await page.waitForURL(/sort=-attribute\.name/);
    const last = [...mock.model.resources.values()].filter((r) => r.class.name === 'Pool').map((r) => r.values.name).sort().at(-1);
    await first(last);
    await table.getByLabel('Filter Name').nth(1).fill(last);
    await page.waitForURL(/where=attribute\.name/);
    await page.getByText('Rows 1 to 1 of 1', { exact: true }).waitFor();
    await closePage(page);
  });

  it('filters by columns, chooses columns, and keeps both in the address', async () => {
    const page = await openPage(browser, mock.url, '/resources/acme/Disk');
    const table = page.getByRole('region', { name: 'Disk, table' });
    await table.getByRole('link').first().waitFor();
    await table.getByLabel('Filter Status').selectOption('=FAILED');
    await page.waitForURL(/where=status/);
    await page.getByText('1 of 240').waitFor();
    await table.getByLabel('Filter Status').selectOption('');
    await table.getByLabel('Filter Slot').fill('>= 38');
    await page.getByText('12 of 240').waitFor();
    await table.getByLabel('Filter Model').fill('st16');
    await page.getByText('6 of 240').waitFor();
    const address = page.url();
    await page.reload();
    await page.getByText('6 of 240').waitFor();
    assert.equal(page.url(), address);
    assert.equal(await table.getByLabel('Filter Slot').inputValue(), '>=38');
    await table.getByLabel('Filter Slot').fill('many');
    await page.getByText('Type a number, such as >= 10').waitFor({ state: 'attached' });
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByText('240 · acme').waitFor();

    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByRole('checkbox', { name: 'Model' }).uncheck();
    await page.getByRole('checkbox', { name: 'Temperature' }).uncheck();
    await page.keyboard.press('Escape');
    await page.waitForURL(/columns=/);
    const headings = (await table.getByRole('columnheader').allInnerTexts()).map((h) => h.trim());
    assert.ok(!headings.includes('Model') && !headings.includes('Temperature') && headings.includes('Slot'), String(headings));
    await page.reload();
    await page.getByRole('button', { name: 'Columns 7 of 9' }).waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'CSV' }).click()]);
    const stream = await download.createReadStream();
    let text = '';
    for await (const piece of stream) text += piece;
    assert.equal(text.split('\n')[0], 'name,health,serial,enclosure,slot,capacity,status,spare,read_bytes');
    assert.equal(text.trim().split('\n').length, 241);
    await closePage(page);
  });

  it('goes back to the row from which the reader left', async () => {
    const page = await openPage(browser, mock.url, '/resources/acme/Disk');
    const table = page.getByRole('region', { name: 'Disk, table' });
    await table.getByRole('link').first().waitFor();
    await table.evaluate((e) => e.scrollTo(0, 100 * 34));
    await page.waitForURL(/row=101/);
    const row = table.locator('tr[aria-rowindex="105"]');
    const name = await row.getByRole('link').first().innerText();
    await row.getByRole('link').first().click();
    await page.getByRole('heading', { level: 1, name }).waitFor();
    await page.goBack();
    await page.getByText(/^Rows 101 to/).waitFor();
    await row.getByRole('link', { name }).waitFor();
    await closePage(page);
  });

  it('does not move what is read when rows come above it', async (t) => {
    const fresh = await startMock();
    t.after(() => fresh.close());
    const page = await openPage(browser, fresh.url, '/resources/acme/Disk?sort=name&row=101');
    const table = page.getByRole('region', { name: 'Disk, table' });
    await page.getByText(/^Rows 101 to/).waitFor();
    const link = table.locator('tr[aria-rowindex="106"]').getByRole('link').first();
    const name = await link.innerText();
    // Where it stands in each picture that the browser paints.
    await page.evaluate((text) => {
      window.places = new Set();
      const look = () => {
        const row = [...document.querySelectorAll('tbody a')].find((a) => a.textContent === text);
        window.places.add(Math.round(row?.getBoundingClientRect().y ?? -1));
        window.requestAnimationFrame(look);
      };
      look();
    }, name);
    const array = [...fresh.model.resources.values()].find((r) => r.class.name === 'Array');
    const added = ['A1', 'A2', 'A3'].map((serial) => fresh.model.add('acme.Disk', `Disk ${serial}`, { serial, slot: 0, model: 'x', capacity: 1, status: 'OK', spare: false }, [], array));
    fresh.model.change({ created: added });
    await page.getByText('243 · acme').waitFor();
    await page.getByText(/^Rows 104 to/).waitFor();
    await page.waitForURL(/row=104/);
    assert.equal((await page.evaluate(() => [...window.places])).length, 1);
    await closePage(page);
  });

  it('edits a controller, tests the connection first, and keeps the password', async () => {
    const page = await openPage(browser, mock.url, `/resource/${resource('Array').id}`, { allowErrors: true });
    await page.getByRole('link', { name: 'Edit', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'Edit Acme array 10.1.0.20' }).waitFor();
    assert.equal(await page.getByRole('textbox', { name: 'Management address' }).isDisabled(), true);
    assert.equal(await page.getByLabel('Password', { exact: true }).inputValue(), '');
    await page.getByRole('button', { name: 'Save changes' }).click();
    await page.getByText('Nothing was changed.').waitFor();
    await page.getByLabel('Password', { exact: true }).fill('wrong');
    await page.getByRole('button', { name: 'Test connection' }).click();
    await page.getByText('The controller cannot be scanned').waitFor();
    await page.getByText('401 Unauthorized').waitFor();
    await page.getByLabel('Password', { exact: true }).fill('right');
    await page.getByRole('button', { name: 'Test connection' }).click();
    await page.getByText('It works: 262 resources found in 0.8 s').waitFor();
    await page.getByLabel('Password', { exact: true }).fill('');
    await page.getByRole('textbox', { name: 'Site' }).fill('Hall 3');
    await page.getByRole('button', { name: 'Save changes' }).click();
    await page.getByRole('heading', { level: 1, name: 'Acme array 10.1.0.20' }).waitFor();
    await page.getByRole('region', { name: 'Attributes' }).getByText('Hall 3').waitFor();
    await closePage(page);
  });

  it('shows a change in the moment it happens, without a reload', async () => {
    const disk = resource('Disk', (r) => r.values.status === 'OK' && r.values.slot === 25);
    const page = await openPage(browser, mock.url, `/resources/acme/Disk?q=${disk.values.serial}`);
    const row = page.getByRole('row', { name: new RegExp(disk.values.serial) });
    await row.getByText('OK', { exact: true }).waitFor();
    await page.getByRole('status').getByText('Live').waitFor();
    mock.model.setAttribute(disk, 'status', 'FAILED');
    await row.getByText('FAILED').waitFor();
    await row.getByRole('img', { name: 'Error' }).waitFor();
    await page.getByRole('link', { name: '3 active alerts of severity Error' }).waitFor();
    mock.model.setAttribute(disk, 'status', 'OK');
    await row.getByRole('img', { name: 'OK' }).waitFor();
    await closePage(page);
  });

  it('does not ask for everything at every event of a storm', async () => {
    const page = await openPage(browser, mock.url, '/');
    await page.getByRole('status').getByText('Live').waitFor();
    await page.waitForTimeout(1500);
    let requests = 0;
    page.on('request', (r) => (requests += r.url().includes('/api/v1/') ? 1 : 0));
    const disks = [...mock.model.resources.values()].filter((r) => r.class.name === 'Disk' && r.values.status === 'OK').slice(0, 60);
    for (const disk of disks) {
      mock.model.setAttribute(disk, 'status', 'REBUILDING');
      await page.waitForTimeout(20);
    }
    await page.waitForTimeout(2500);
    for (const disk of disks) mock.model.setAttribute(disk, 'status', 'OK');
    await page.waitForTimeout(1500);
    assert.ok(requests <= 50, `${requests} requests for 120 changes`);
    await closePage(page);
  });

  it('says when the stream is cut, and goes on by itself without a gap', async () => {
    const disk = resource('Disk', (r) => r.values.status === 'OK' && r.values.slot === 5);
    const page = await openPage(browser, mock.url, `/resource/${disk.id}`, { allowErrors: true });
    await page.getByRole('status').getByText('Live').waitFor();
    mock.drop();
    await page.getByRole('status').getByText('Reconnecting').waitFor();
    mock.model.setAttribute(disk, 'status', 'FAILED');
    await page.getByRole('status').getByText('Live').waitFor();
    await page.getByRole('heading', { name: 'Why is it not well?' }).waitFor();
    mock.model.setAttribute(disk, 'status', 'OK');
    await page.getByRole('heading', { name: 'Why is it not well?' }).waitFor({ state: 'detached' });
    await closePage(page);
  });

  it('gives a resource an alias and takes it back', async () => {
    const page = await openPage(browser, mock.url, `/resource/${resource('Enclosure').id}`, { allowErrors: true });
    await page.getByRole('button', { name: 'Edit the name' }).click();
    await page.getByRole('textbox', { name: 'Name' }).fill('Shelf by the door');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Shelf by the door' }).waitFor();
    await page.getByText('The plugin calls it Enclosure 0').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Edit the name');
    await page.getByRole('button', { name: 'Edit the name' }).click();
    await page.getByRole('button', { name: 'Use Enclosure 0' }).click();
    await page.getByRole('heading', { level: 1, name: 'Enclosure 0' }).waitFor();
    await closePage(page);
  });

  it('adds a controller, shows errors at their field, and removes it', async () => {
    const page = await openPage(browser, mock.url, '/', { allowErrors: true });
    await page.getByRole('link', { name: 'Add a controller' }).last().click();
    await page.getByRole('combobox', { name: 'What kind of controller?' }).click();
    await page.getByRole('option', { name: 'Acme array (plugin acme)' }).click();
    assert.equal(await page.getByRole('textbox', { name: 'Password' }).getAttribute('type'), 'password');
    assert.equal(await page.getByLabel('Firmware').count(), 0, 'what users may not set is no field');
    assert.equal(await page.getByRole('textbox', { name: /^Port/ }).inputValue(), '8080');
    await page.getByRole('button', { name: 'Add Acme array' }).click();
    await page.getByText('Management address needs a value.').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'field-address', 'the keyboard stands in the first wrong field');
    await page.getByRole('textbox', { name: 'Management address' }).fill('not a host!');
    await page.getByRole('textbox', { name: 'User' }).fill('u');
    await page.getByRole('textbox', { name: 'Password' }).fill('secret');
    await page.getByRole('textbox', { name: /^Port/ }).fill('70000');
    await page.getByRole('button', { name: 'Add Acme array' }).click();
    await page.getByText('Port must be at most 65535.').waitFor();
    await page.getByRole('textbox', { name: /^Port/ }).fill('8443');
    await page.getByRole('combobox', { name: /^Protocol/ }).click();
    await page.getByRole('option', { name: 'http', exact: true }).click();
    await page.getByRole('button', { name: 'Add Acme array' }).click();
    await page.getByText('"not a host!" is no host name and no address.').waitFor();
    await page.getByRole('textbox', { name: 'Management address' }).fill('10.9.9.9');
    await page.getByRole('button', { name: 'Add Acme array' }).click();
    await page.getByRole('heading', { level: 1, name: 'Acme array 10.9.9.9' }).waitFor();
    const connection = page.getByRole('region', { name: 'Connection' });
    await connection.getByText('Live').waitFor();
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: /10\.9\.9\.9/ }).waitFor();
    assert.match(await page.getByRole('region', { name: 'Attributes' }).innerText(), /8443[\s\S]*http\b/);
    await page.getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('heading', { name: 'Open incidents' }).waitFor();
    await page.getByRole('link', { name: /10\.9\.9\.9/ }).first().waitFor({ state: 'detached' });
    await closePage(page);
  });

  it('offers removal only of what a user added', async () => {
    const page = await openPage(browser, mock.url, `/resource/${resource('Disk').id}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Remove' }).count(), 0);
    await closePage(page);
  });

  it('draws the graph, unfolds a group, and follows a box', async () => {
    const pool = resource('Pool', (r) => r.values.status === 'DEGRADED');
    const page = await openPage(browser, mock.url, `/resource/${pool.id}`);
    const group = page.getByRole('button', { name: /9 × Disk/ });
    await group.waitFor();
    assert.equal(await page.locator('.react-flow__edge path[class*="error"]').count() > 0, true, 'the sick path is marked');
    await group.click();
    await group.waitFor({ state: 'detached' });
    assert.equal(await page.locator('.react-flow__node', { hasText: 'Disk WD' }).count(), 10);
    await page.getByRole('button', { name: 'Fit View' }).click();
    await page.locator('.react-flow__node a', { hasText: 'File system scratch' }).click();
    await page.getByRole('heading', { level: 1, name: 'File system scratch' }).waitFor();
    await closePage(page);
  });

  it('walks the graph of a resource as a table with the keyboard alone, and keeps what is open in the address', async () => {
    const pool = resource('Pool', (r) => r.values.status === 'DEGRADED');
    const page = await openPage(browser, mock.url, `/resource/${pool.id}?view=table&range=6h`);
    const table = page.getByRole('region', { name: 'The graph as a table' });
    await table.getByRole('button', { name: /^Show the first 10 of 10 Disk/ }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/open=-1:acme\.Disk/);
    await table.getByRole('button', { name: 'Fold Disk' }).waitFor();
    assert.equal(new URL(page.url()).searchParams.get('range'), '6h', 'the charts keep their part of the address');
    const address = page.url();
    await page.reload();
    await table.getByRole('button', { name: 'Fold Disk' }).waitFor();
    assert.equal(page.url(), address);
    await table.getByRole('link', { name: /^Disk WD/ }).first().focus();
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => /\/resource\/\d+$/.test(url.pathname) && !url.pathname.endsWith(`/${pool.id}`));
    await page.getByRole('heading', { level: 1, name: /^Disk WD/ }).waitFor();
    await closePage(page);
  });

  it('has a deep link for each view: what is set stands in the address and holds', async () => {
    const id = (cls, test) => resource(cls, test).id;
    const pool = id('Pool', (r) => r.values.status === 'DEGRADED');
    const failed = id('Disk', (r) => r.values.status === 'FAILED');
    const disk = resource('Disk', (r) => r.values.status === 'FAILED');
    const lines = [
      ['/incidents?tab=recent', (p) => p.getByRole('tab', { name: 'Ended', selected: true })],
      [`/incidents/${failed}?view=table&open=1:lustre.Target&range=6h`, (p) => p.getByRole('radio', { name: 'Table', checked: true })],
      [`/topology/${pool}?direction=up&depth=2&view=table`, (p) => p.getByRole('radio', { name: 'Causes', checked: true })],
      [`/topology/${pool}?view=table&open=-1:acme.Disk`, (p) => p.getByRole('button', { name: 'Fold Disk' })],
      [`/resource/${pool}?view=table&raw=open&linked=${disk.id}&range=6h&tables=Load`, async (p) => {
        await p.getByText('The plugin says so: reported by').waitFor();
        await p.getByRole('region', { name: 'Raw JSON' }).getByText('"id"').first().waitFor();
        return p.locator('[data-chart="Load"] table');
      }],
      ['/resources/acme/Disk?health=error&sort=-slot&where=slot>3&columns=slot,status', (p) => p.getByRole('columnheader', { name: 'Slot' }).and(p.locator('[aria-sort=descending]'))],
      ['/search?q=p01', (p) => p.getByRole('heading', { level: 1, name: 'Found for “p01”' })],
      ['/alerts?tab=history&severity=error&q=fan&sort=-ended', (p) => p.getByRole('tab', { name: /History/, selected: true })],
      ['/hosts?state=lost', (p) => p.getByRole('link', { name: /mds1/ })],
      ['/volumes?category=usable&host=oss1.example.net&sort=-size', (p) => p.getByRole('link', { name: /spare-1/ })],
      ['/plugins?q=acme', (p) => p.getByRole('link', { name: /acme/ }).last()],
      ['/add?class=acme.Array', (p) => p.getByRole('button', { name: /Test/ })],
    ];
    for (const [path, shown] of lines) {
      const page = await openPage(browser, mock.url, path);
      for (const again of [false, true]) {
        if (again) await page.reload();
        await (await shown(page)).first().waitFor({ state: 'attached' }).catch((err) => { throw new Error(`${path}${again ? ', read again' : ''}: ${err.message}`); });
        assert.equal(decodeURIComponent(new URL(page.url()).pathname + new URL(page.url()).search), path);
      }
      await closePage(page);
    }
  });

  it('keeps open panels of a resource in the address, beside the charts and the graph', async () => {
    const pool = resource('Pool', (r) => r.values.status === 'DEGRADED');
    const page = await openPage(browser, mock.url, `/resource/${pool.id}?view=table`);
    await page.getByRole('button', { name: 'More about Load' }).click();
    await page.getByRole('menuitem', { name: 'Show as a table' }).click();
    await page.getByRole('region', { name: 'Parents' }).getByRole('button', { name: /^Why linked with Disk/ }).first().click();
    await page.getByText('Raw JSON').click();
    await page.waitForURL(/raw=open/);
    const search = new URL(page.url()).searchParams;
    assert.deepEqual([search.get('view'), search.get('tables'), search.get('raw'), Number(search.get('linked')) > 0], ['table', 'Load', 'open', true]);
    await page.getByRole('button', { name: 'More about Load' }).click();
    await page.getByRole('menuitem', { name: 'Hide the table' }).click();
    await page.waitForURL((url) => !url.searchParams.has('tables'));
    await page.getByText('Raw JSON').click();
    await page.waitForURL((url) => !url.searchParams.has('raw') && url.searchParams.has('linked'));
    await closePage(page);
  });

  it('tells times in the zone of the reader', async () => {
    const shown = async (zone, path, within) => {
      const page = await openPage(browser, mock.url, path, { zone });
      const time = within(page).locator('time').first();
      await time.waitFor();
      const told = { iso: await time.getAttribute('datetime'), hint: await time.getAttribute('title') };
      await closePage(page);
      return told;
    };
    const places = [
      ['/', (p) => p.getByRole('region', { name: 'The last day' })],
      ['/incidents', (p) => p.getByRole('region', { name: 'Open incidents' })],
      ['/incidents?tab=recent', (p) => p.getByRole('region', { name: 'Ended incidents' })],
      ['/alerts', (p) => p.getByRole('table')],
    ];
    for (const zone of ['Asia/Tokyo', 'America/New_York']) {
      for (const [path, within] of places) {
        const { iso, hint } = await shown(zone, path, within);
        const want = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium', timeZone: zone }).format(Date.parse(iso));
        assert.equal(hint, want, `${path} in ${zone}`);
      }
    }
  });

  it('can be walked by the keyboard alone on each page, and shows where it is', async () => {
    const id = (cls, test) => resource(cls, test).id;
    const volume = [...mock.fleet.volumes.values()][0].drive.id;
    const paths = [
      '/', '/incidents', `/incidents/${id('Disk', (r) => r.values.status === 'FAILED')}`, '/topology', `/topology/${id('Pool')}?view=table`, `/resource/${id('Pool')}`,
      '/resources/acme/Disk', '/search?q=p01', '/alerts', '/hosts', `/hosts/${mock.fleet.hosts.get('oss1.example.net').resource.id}`, '/volumes', `/volumes/${volume}`, '/plugins', '/plugins/acme', '/add',
    ];
    for (const path of paths) {
      const page = await openPage(browser, mock.url, path);
      await page.locator('main').getByRole('link').or(page.locator('main').getByRole('button')).or(page.locator('main input')).first().waitFor();
      // From the start of one page to its main part, and on the others within that: each stop is in sight and marked.
      if (path !== '/') await page.evaluate(() => {
        const main = document.querySelector('main');
        main.tabIndex = -1;
        main.focus({ preventScroll: true });
      });
      let reached = false;
      for (let i = 0; i < 80 && !reached; i++) {
        await page.keyboard.press('Tab');
        const at = await page.evaluate(() => {
          const e = document.activeElement;
          const r = e.getBoundingClientRect();
          const marks = [e, e.parentElement, e.nextElementSibling].filter(Boolean).map((x) => window.getComputedStyle(x));
          return {
            what: `${e.tagName} ${e.getAttribute('aria-label') ?? e.textContent.slice(0, 40)}`,
            seen: r.bottom > 0 && r.top < window.innerHeight && r.right > 0 && r.left < window.innerWidth,
            // A field shows the text cursor.
            marked: e.matches('input:not([type=radio], [type=checkbox])') || e !== document.body && marks.some((s) => s.outlineStyle !== 'none' || s.boxShadow !== 'none'),
            main: document.querySelector('main').contains(e),
          };
        });
        assert.ok(at.seen && at.marked, `${path}: ${JSON.stringify(at)}`);
        reached = at.main;
      }
      assert.ok(reached, `${path}: the keyboard does not come to the main part`);
      // Nothing that acts on a click is out of its reach.
      const lost = await page.evaluate(() =>
        [...document.querySelectorAll('main a[href], main button, main input, main select, main summary')]
          .filter((e) => e.tabIndex < 0 && !e.disabled && e.checkVisibility() && !e.closest('[role=tablist], [role=radiogroup], [role=combobox], .react-flow__controls, [aria-hidden=true]'))
          .map((e) => e.outerHTML.slice(0, 120)),
      );
      assert.deepEqual(lost, [], path);
      await closePage(page);
    }
  });

  it('searches from any page with the keyboard', async () => {
    const page = await openPage(browser, mock.url, '/plugins');
    await page.getByRole('heading', { level: 1, name: 'Plugins' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('p01');
    await page.getByRole('option', { name: /RAID pool p01/ }).first().waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'RAID pool p01' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('enclosure');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Found for “enclosure”' }).waitFor();
    await page.getByRole('region', { name: 'Found resources' }).getByRole('link').first().waitFor();
    await closePage(page);
  });

  it('filters alerts by severity, class and text, and has their history', async (t) => {
    // A server of its own: other tests raise and end alerts.
    const fresh = await startMock();
    t.after(() => fresh.close());
    const page = await openPage(browser, fresh.url, '/alerts');
    const rows = page.getByRole('region', { name: 'Active alerts' }).locator('tbody th');
    await rows.first().waitFor();
    assert.equal(await rows.count(), 7);
    await page.getByRole('button', { name: /^Warning/ }).click();
    await page.waitForURL(/severity=warning/);
    await page.waitForFunction(() => document.querySelectorAll('#alert-rows tbody th').length === 4);
    await page.getByLabel('Filter by text').fill('failure fan');
    await page.waitForFunction(() => document.querySelectorAll('#alert-rows tbody th').length === 1);
    await page.goto(`${fresh.url}/alerts?class=acme.Pool`);
    await page.waitForFunction(() => document.querySelectorAll('#alert-rows tbody th').length === 1);
    await page.getByRole('tab', { name: 'History' }).click();
    await page.getByText('No alert fits the filter').waitFor();
    await page.goto(`${fresh.url}/alerts?tab=history`);
    await page.waitForFunction(() => document.querySelectorAll('#alert-rows tbody th').length === 30);
    assert.match(await page.getByRole('region', { name: 'Past alerts' }).getByRole('row').nth(1).innerText(), /15 min/);
    await closePage(page);
  });

  it('asks for a token where the server does, and keeps it for the tab', async (t) => {
    const closed = await startMock({ token: 'right' });
    t.after(() => closed.close());
    const page = await openPage(browser, closed.url, '/alerts', { allowErrors: true });
    await page.getByRole('dialog', { name: 'Sign in' }).waitFor();
    await page.getByRole('textbox', { name: 'Token' }).fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByText('The server does not know this token.').waitFor();
    await page.getByRole('textbox', { name: 'Token' }).fill('right');
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'Active alerts' }).getByRole('link').first().waitFor();
    await page.getByRole('status').getByText('Live').waitFor();
    assert.equal(await page.getByRole('dialog').count(), 0);
    await page.reload();
    await page.getByRole('region', { name: 'Active alerts' }).getByRole('link').first().waitFor();
    assert.equal(await page.evaluate(() => localStorage.getItem('faultline-token')), null);
    await closePage(page);
  });

  it('keeps the chosen colours, and follows the system until one is chosen', async () => {
    const page = await openPage(browser, mock.url, '/', { scheme: 'dark' });
    const scheme = () => page.evaluate(() => document.documentElement.getAttribute('data-mantine-color-scheme'));
    assert.equal(await scheme(), 'dark');
    await page.getByRole('button', { name: 'Switch to light colours' }).click();
    assert.equal(await scheme(), 'light');
    await page.reload();
    assert.equal(await scheme(), 'light');
    await closePage(page);
  });

  it('has its navigation behind a button on a phone', async () => {
    const page = await openPage(browser, mock.url, '/', { viewport: phone });
    await page.getByRole('button', { name: 'Open navigation' }).click();
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: /RAID pool/ }).click();
    await page.getByRole('heading', { level: 1, name: 'RAID pool' }).waitFor();
    await page.getByRole('button', { name: 'Open navigation' }).waitFor();
    await closePage(page);
  });

  it('does not jump while a table loads', async () => {
    const page = await openPage(browser, mock.url, '/resources/acme/Disk');
    await page.getByRole('region', { name: 'Disk, table' }).getByRole('link').first().waitFor();
    await page.waitForTimeout(500);
    const shift = await layoutShift(page);
    assert.ok(shift < 0.1, `layout shift ${shift}`);
    await closePage(page);
  });

  it('shows no row before the columns of its class are known', async () => {
    const page = await openPage(browser, mock.url, '/');
    let declare;
    const asked = new Promise((resolve) => {
      void page.route('**/api/v1/classes?*', async (request) => {
        await new Promise((go) => {
          declare = go;
          resolve();
        });
        await request.continue();
      });
    });
    const rows = page.waitForResponse((r) => r.url().includes('/api/v1/resources?') && r.url().includes('class=Disk'));
    await page.goto('/resources/acme/Disk');
    await asked;
    await rows;
    assert.equal(await page.locator('main').getByRole('table').count(), 0);
    declare();
    const table = page.locator('main').getByRole('table');
    await table.getByRole('link').first().waitFor();
    assert.ok((await table.getByRole('columnheader').count()) > 3);
    await page.unroute('**/api/v1/classes?*');
    await closePage(page);
  });

  it('shows a folded graph and a table of many disks in good time', async (t) => {
    const large = await startMock({ disks: 8000 });
    t.after(() => large.close());
    const page = await openPage(browser, large.url, '/resources/acme/Disk?sort=-serial');
    await page.getByRole('region', { name: 'Disk, table' }).getByRole('link').first().waitFor();
    const fan = [...large.model.resources.values()].find((r) => r.class.name === 'FileSystem');
    await page.goto(`${large.url}/resource/${fan.id}`);
    await page.locator('.react-flow__node').first().waitFor();
    assert.ok((await page.locator('.react-flow__node').count()) < 60);
    await closePage(page);
  });
});
