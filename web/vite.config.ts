// Three pages from one toolchain: centre.html is served at /, field.html at /field, account.html at /account
// (see api/app.py).
// Assets lie in /assets with a content hash; nothing is ever fetched from another host.
import vue from '@vitejs/plugin-vue'
import { readFileSync } from 'node:fs'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'
import { packed } from './tooling/pack.ts'
import { pwa } from './tooling/pwa.ts'

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

/**
 * Vant's icon font lies in its style sheet as Base64, with a copy on somebody else's host behind it. Here it
 * becomes an asset of our own, fetched only by a page that shows one of its signs.
 */
function ownIconFont(): Plugin {
  const source = /src:\s*url\(data:font\/woff2;charset=utf-8;base64,([\w+/=]+)\)[^;}]*/
  return {
    name: 'gridmgmt-icon-font',
    apply: 'build',
    enforce: 'pre',
    transform(code, id) {
      if (!id.endsWith('/vant/es/icon/index.css')) return null
      const font = source.exec(code)?.[1]
      if (!font) throw new Error('the icon font of Vant lies elsewhere now')
      const name = this.emitFile({ type: 'asset', name: 'icons.woff2', source: Buffer.from(font, 'base64') })
      return { code: code.replace(source, `src:url(__VITE_ASSET__${name}__) format("woff2")`), map: null }
    },
  }
}

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as { version: string }

export default defineConfig({
  appType: 'mpa',
  plugins: [vue(), pages(), ownIconFont(), pwa(), packed()],
  define: {
    __APP_VERSION__: JSON.stringify(version),
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
  test: {
    include: ['tests/**/*.test.ts'],
    environment: 'node',
    css: { include: [/tokens\.css/] },
    // Its components import their style sheets, which Node cannot read.
    server: { deps: { inline: ['vant'] } },
  },
})
