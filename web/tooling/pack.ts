// Packs what was built, once and as small as can be, so that the server never packs while a phone waits
// (api/packed.py hands the shapes out).

import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

const TEXT = /\.(?:js|css|html|svg|json|webmanifest)$/
/** Below this the head of an answer weighs more than what packing saves. */
const LEAST_BYTES = 512
const LARGE_BYTES = 200_000

function* filesBelow(directory: string): Generator<string> {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name)
    if (statSync(path).isDirectory()) yield* filesBelow(path)
    else yield path
  }
}

export function pack(directory: string): void {
  for (const path of filesBelow(directory)) {
    if (!TEXT.test(path)) continue
    const content = readFileSync(path)
    if (content.length < LEAST_BYTES) continue
    const hint = {
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
      // The last few per cent of the map's megabyte are not worth ten seconds of every build.
      [constants.BROTLI_PARAM_QUALITY]: content.length > LARGE_BYTES ? 9 : constants.BROTLI_MAX_QUALITY,
    }
    writeFileSync(`${path}.br`, brotliCompressSync(content, { params: hint }))
    writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }))
  }
}

/** After everything else was written, the service worker included. */
export function packed(): Plugin {
  let directory = 'dist'
  return {
    name: 'gridmgmt-packed',
    apply: 'build',
    enforce: 'post',
    configResolved(config) {
      directory = config.build.outDir
    },
    closeBundle: { order: 'post', sequential: true, handler: () => pack(directory) },
  }
}
