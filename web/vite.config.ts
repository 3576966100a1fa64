import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// The development server passes API calls on to a real server or to the mock.
const api = process.env['FAULTLINE_SERVER'] ?? 'http://127.0.0.1:8700';

export default defineConfig({
  plugins: [react()],
  server: {
    host: '127.0.0.1',
    port: 8701,
    proxy: { '/api': { target: api, changeOrigin: true } },
  },
  build: {
    outDir: 'dist',
    // The layout engine is one large chunk that only the drawing of a graph loads.
    chunkSizeWarningLimit: 1600,
    // Other tools (scripts/size.mjs) read which files a first visit needs.
    manifest: true,
    rolldownOptions: {
      output: {
        // Libraries change less often than our code: browsers keep them longer.
        codeSplitting: {
          groups: [{ name: 'react', test: /node_modules[\\/](react|react-dom|scheduler)[\\/]/ }],
        },
      },
    },
  },
  worker: { format: 'es' },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/testing/setup.ts'],
    // Times are shown in the reader's zone; tests need a fixed one that is not UTC.
    env: { TZ: 'Europe/Paris' },
  },
});
