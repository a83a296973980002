import { join } from 'node:path'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const ROOT = join(import.meta.dirname, '../..')
/** Where `npm run dev:console` finds the API. */
const API = process.env.CONSOLE_API ?? 'http://localhost:4000'

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), tailwindcss()],
  // The page is not told of the environment.
  envPrefix: 'CONSOLE_PUBLIC_',
  resolve: { dedupe: ['react', 'react-dom', 'zod'] },
  build: {
    outDir: join(ROOT, 'dist/console'),
    emptyOutDir: true,
    // The policy of the page lets no data: addresses in.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Browsers of 2024 on: they know `light-dark()`, on which the colours rest.
    target: ['chrome123', 'edge123', 'firefox121', 'safari17.5'],
    manifest: true,
    license: { fileName: 'licenses.md' },
    reportCompressedSize: false,
  },
  server: {
    port: 5173,
    proxy: Object.fromEntries(
      ['/api', '/docs', '/openapi.json', '/asyncapi.json', '/healthz', '/readyz', '/socket.io'].map((path) => [
        path,
        { target: API, ws: path === '/socket.io' },
      ]),
    ),
  },
})
