// `npm run dev`: the page from its sources, against the server named by
// FAULTLINE_SERVER, or against the mock if there is none.
import { createServer } from 'vite';

if (!process.env.FAULTLINE_SERVER) {
  const { serve } = await import('../mock/server.mjs');
  const mock = await serve();
  process.env.FAULTLINE_SERVER = mock.url;
}
const vite = await createServer();
await vite.listen();
vite.printUrls();
