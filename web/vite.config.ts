// Three pages from one toolchain: centre.html is served at /, field.html at /field, account.html at /account
// (see api/app.py).
// Assets lie in /assets with a content hash; nothing is ever fetched from another host.
import vue from '@vitejs/plugin-vue'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

const PAGES: Record<string, string> = { '/': '/centre.html', '/field': '/field.html', '/account': '/account.html' }

/** The addresses of the real server, also under `npm run dev`. */
function pages(): Plugin {
  return {
    name: 'gridmgmt-pages',
    configureServer(server) {
      server.middlewares.use((request, _response, next) => {
        const [path = '/', query] = (request.url ?? '/').split('?')
        const page = PAGES[path]
        if (page) request.url = query ? `${page}?${query}` : page
        next()
      })
    },
  }
}

export default defineConfig({
  appType: 'mpa',
  plugins: [vue(), pages()],
  define: {
    __VUE_OPTIONS_API__: 'false',
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
    __VUE_I18N_FULL_INSTALL__: 'false',
    __VUE_I18N_LEGACY_API__: 'false',
    __INTLIFY_PROD_DEVTOOLS__: 'false',
    __INTLIFY_DROP_MESSAGE_COMPILER__: 'false',
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8000' } },
  build: {
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
    rollupOptions: { input: { centre: 'centre.html', field: 'field.html', account: 'account.html' } },
  },
  worker: { format: 'es' },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
})
