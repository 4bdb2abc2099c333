// What makes the field page a thing of its own on a phone: its manifest with icons, and its service worker, which
// keeps the page's own files and nothing else. Both lie beside the page, under names that never change.

import { readFileSync } from 'node:fs'
import type { Plugin, PluginOption } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'

const ICONS = [
  { file: 'icon-192.png', sizes: '192x192', purpose: 'any' },
  { file: 'icon-512.png', sizes: '512x512', purpose: 'any' },
  { file: 'maskable-512.png', sizes: '512x512', purpose: 'maskable' },
]

/** Chinese as the page's first language; an English phone shows the English name. */
const MANIFEST = {
  id: '/field',
  name: '网格工作台',
  short_name: '网格',
  name_localized: { en: 'Grid workbench' },
  short_name_localized: { en: 'Grid' },
  description: '网格员：上报、任务、巡查，没有信号也能用',
  lang: 'zh-CN',
  dir: 'ltr',
  start_url: '/field',
  scope: '/field',
  display: 'standalone',
  orientation: 'portrait',
  theme_color: '#14212c',
  background_color: '#f6f4ee',
  categories: ['government', 'productivity'],
}

function manifest(): Plugin {
  return {
    name: 'gridmgmt-manifest',
    apply: 'build',
    generateBundle() {
      const icons = ICONS.map(({ file, sizes, purpose }) => {
        const source = readFileSync(new URL(`../src/field/icons/${file}`, import.meta.url))
        const asset = this.emitFile({ type: 'asset', name: file, source })
        return { src: `/${this.getFileName(asset)}`, sizes, type: 'image/png', purpose }
      })
      this.emitFile({ type: 'asset', fileName: 'field.webmanifest', source: JSON.stringify({ ...MANIFEST, icons }) })
    },
  }
}

export const pwa = (): PluginOption[] => [
  manifest(),
  VitePWA({
    strategies: 'injectManifest',
    srcDir: 'src/field',
    filename: 'field-sw.ts',
    injectRegister: false,
    manifest: false,
    injectManifest: {
      globPatterns: ['field.html', 'field.webmanifest', 'assets/**/*.{js,css,svg,png,woff2,json,pbf}'],
      // The desks' own parts are of no use on a phone.
      globIgnores: ['assets/centre-*', 'assets/CentreMap-*', 'assets/account-*'],
      maximumFileSizeToCacheInBytes: 4 * 2 ** 20,
      manifestTransforms: [
        // The page is served without its ending.
        (entries) => ({ manifest: entries.map((one) => (one.url === 'field.html' ? { ...one, url: '/field' } : { ...one, url: `/${one.url}` })), warnings: [] }),
      ],
    },
  }),
]
